#ifndef TESTS_FAKES_CREATE_OUTCOMES_H_
#define TESTS_FAKES_CREATE_OUTCOMES_H_

#include <memory>
#include <utility>

#include "service/passfort/product_application_client.h"

namespace gateway {

// What the transport gives its client for the outcome of a create.
inline ApiOutcome ToApiOutcome(CreateOutcome outcome) {
  return MapDone<ApiResponse>(std::move(outcome), [](Done done) {
    return ApiResponse{.value = std::move(done.application), .error_code = done.error_code};
  });
}

// What an HTTP exchange to create an application comes to.
inline CreateOutcome ClassifyWrite(const HttpResult& result, absl::Time now,
                                   const MessageFilter* messages) {
  return MapDone<Done>(
      ReadAtOnce(kCreateApplication, "", result, now, messages).outcome, [](ApiResponse response) {
        return Done{.application =
                        std::static_pointer_cast<pb::ProductApplication>(std::move(response.value)),
                    .error_code = response.error_code};
      });
}

}  // namespace gateway

#endif  // TESTS_FAKES_CREATE_OUTCOMES_H_
