#ifndef TESTS_INTEGRATION_RPC_SCRIPTED_READS_H_
#define TESTS_INTEGRATION_RPC_SCRIPTED_READS_H_

#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "service/base/clock.h"
#include "service/base/random.h"
#include "service/operations/create_profile.h"
#include "service/operations/resource_reads.h"
#include "service/passfort/api_transport.h"
#include "service/passfort/resource_client.h"
#include "service/resilience/retry_budget.h"

namespace gateway {

// Reads that find what they are asked for, and profiles that are created.
struct ScriptedReads {
  ScriptedReads(Clock& clock, RandomSource& random)
      : reads(client, {.clock = clock, .random = random, .budget = budget}),
        writer({.operation = create,
                .coordinator = nullptr,
                .reads = reads,
                .retries = {.clock = clock, .random = random, .budget = budget}}) {}

  struct Passfort final : ApiTransport {
    Task<ApiResult> Call(const ApiEndpoint& endpoint, ApiRequest request,
                         const CallContext& /*context*/) override {
      co_return ApiResult{.outcome = AnswerTo(endpoint, request), .sent_at = absl::Now()};
    }

    static ApiResponse AnswerTo(const ApiEndpoint& endpoint, const ApiRequest& request) {
      if (&endpoint == &kGetProfile || &endpoint == &kCreateProfile) {
        auto profile = std::make_shared<pb::Profile>();
        profile->set_id(endpoint.is_write() ? "p1" : std::string(request.profile_id));
        return {.value = std::move(profile)};
      }
      if (&endpoint == &kGetApplications) {
        auto list = std::make_shared<pb::ListProductApplicationsResponse>();
        list->add_product_applications()->set_id("a1");
        return {.value = std::move(list)};
      }
      auto application = std::make_shared<pb::ProductApplication>();
      application->set_id(std::string(request.application_id));
      return {.value = std::move(application)};
    }
  };

  Passfort passfort;
  ResourceClient client{passfort};
  RetryBudget budget{{}};
  ResourceReads reads;
  ProfileClient profiles{passfort};
  CreateProfile create{profiles, client};
  ProfileWriter writer;
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_RPC_SCRIPTED_READS_H_
