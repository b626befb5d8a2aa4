#ifndef SERVICE_PASSFORT_CREATE_READING_H_
#define SERVICE_PASSFORT_CREATE_READING_H_

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "service/passfort/endpoint.h"
#include "service/passfort/http_status.h"
#include "service/passfort/mapping/resource_reading.h"
#include "service/passfort/outcome_table.h"

namespace gateway {

// Reads the response to a request that creates a Resource, a message of the contract.
template <typename Resource>
class CreateReading final : public ResponseReading {
 public:
  // Whether callers may see Passfort's words about what they sent.
  enum class Words { kShown, kHidden };

  // `remark` is for the log, if there are both a resource and an error.
  CreateReading(const HttpResponse& response, size_t max_values, Words words,
                std::string_view remark)
      : response_(response), reading_(response.body, max_values), words_(words), remark_(remark) {}

  bool ReadPiece() override { return !IsSuccess(response_.status) || reading_.ReadPiece(); }

  ReadResponse TakeOutcome(absl::Time now, const MessageFilter* messages) override {
    std::optional<ApiResponse> created;
    if (IsSuccess(response_.status)) created = TakeCreated();
    if (words_ == Words::kHidden) messages = nullptr;
    const bool has_error = created && created->error_code;
    return {.outcome = OutcomeOfResponse(response_, std::move(created), now, messages),
            .remark = has_error ? remark_ : std::string_view()};
  }

  size_t BytesOf(const ApiResponse& /*response*/) const override {
    return reading_.MemoryOfResult();
  }

 private:
  std::optional<ApiResponse> TakeCreated() {
    std::optional<Resource> resource = reading_.TakeResult();
    if (!resource) return std::nullopt;
    ApiResponse created;
    // The contract has no field for errors, so `unmapped` tells whether to look for one.
    if (resource->unmapped().fields().contains("errors")) {
      created.error_code = DecidingErrorCode(response_.body);
    }
    created.value = std::make_shared<Resource>(*std::move(resource));
    return created;
  }

  const HttpResponse& response_;
  ResourceReading<Resource> reading_;
  const Words words_;
  const std::string_view remark_;
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_CREATE_READING_H_
