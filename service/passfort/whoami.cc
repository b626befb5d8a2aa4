#include "service/passfort/whoami.h"

#include "service/passfort/http_status.h"

namespace gateway {
namespace {

class WhoAmIReading final : public ResponseReading {
 public:
  explicit WhoAmIReading(int status) : status_(status) {}

  bool ReadPiece() override { return true; }
  ReadResponse TakeOutcome(absl::Time /*now*/, const MessageFilter* /*messages*/) override {
    if (!IsServerFailure(status_)) return {ApiResponse{}};
    return {NotExecuted{.cause = NotExecuted::Cause::kServerError,
                        .response = ResponseSummary{.http_status = status_}}};
  }
  size_t BytesOf(const ApiResponse& /*response*/) const override { return 0; }

 private:
  const int status_;
};

std::unique_ptr<ResponseReading> ReadWhoAmI(const HttpResponse& response,
                                            std::string_view /*profile_id*/) {
  return std::make_unique<WhoAmIReading>(response.status);
}

}  // namespace

constinit const ApiEndpoint kWhoAmI{.name = "GET /whoami",
                                    .read = ReadWhoAmI,
                                    // Only its status counts: whatever it holds, Passfort answers.
                                    .max_response_bytes = size_t{4} * 1024 * 1024,
                                    .needs_fresh_connection = true};

}  // namespace gateway
