#ifndef TESTS_UNIT_RPC_EXPECTED_ERRORS_H_
#define TESTS_UNIT_RPC_EXPECTED_ERRORS_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/rpc/outcome_to_grpc.h"
#include "tests/support/grpc_errors.h"

namespace gateway {

// What the tests of the table of errors have in common: outcomes, what callers are told of them,
// and what that has to look like.

inline constexpr absl::Duration kSinceEpoch = absl::Milliseconds(1'760'000'000'250);
inline const absl::Time kSentAt = absl::UnixEpoch() + kSinceEpoch;  // 2025-10-09 08:53:20.250 UTC
inline const absl::Time kEndedAt = kSentAt + absl::Seconds(10);
inline constexpr Milliseconds kSettleWindow{65000};

inline ReceivedError AsReceived(const CallError& error) {
  ReceivedError received = {.status = error.status, .trailers = {}};
  for (const auto& trailer : error.trailers) received.trailers.insert(trailer);
  return received;
}

inline ResponseSummary AnAnswer(int http_status, std::optional<int> code = std::nullopt,
                                std::string message = "") {
  return {.http_status = http_status, .code = code, .message = std::move(message)};
}

// The table's answers for a call without a request_id.
inline CallError ErrorWithoutRequestId(WriteResult result, Caller caller = Caller::kWaiting) {
  return ToCallError(result, {.caller = caller, .now = kEndedAt, .settle_window = kSettleWindow});
}

// And for one that has the request_id "order-1".
inline CallError ErrorWithRequestId(WriteResult result, Caller caller = Caller::kWaiting) {
  return ToCallError(
      result,
      {.request_id = "order-1", .caller = caller, .now = kEndedAt, .settle_window = kSettleWindow});
}

inline NotExecuted NotDone(NotExecuted::Cause cause,
                           std::optional<Milliseconds> retry_after = std::nullopt,
                           std::optional<ResponseSummary> answer = std::nullopt) {
  return {.cause = cause, .retry_after = retry_after, .response = std::move(answer)};
}

inline Ambiguous NotKnown(Ambiguous::Cause cause,
                          std::optional<ResponseSummary> answer = std::nullopt) {
  return {.cause = cause, .response = std::move(answer)};
}

// The text of the google.rpc.Status that an error must have.
inline std::string ExpectedStatus(grpc::StatusCode code, const std::string& message,
                                  const std::string& details) {
  return absl::StrCat("code: ", static_cast<int>(code), " message: '", message, "' ", details);
}

inline std::string ExpectedInfo(const std::string& reason,
                                std::vector<std::pair<std::string, std::string>> metadata,
                                const std::string& scope = "CALL") {
  metadata.emplace_back("scope", scope);
  std::string text =
      absl::StrCat("details { [type.googleapis.com/google.rpc.ErrorInfo] { reason: '", reason,
                   "' domain: 'passfort.gateway' ");
  for (const auto& [key, value] : metadata) {
    absl::StrAppend(&text, "metadata { key: '", key, "' value: '", value, "' } ");
  }
  return absl::StrCat(text, "} } ");
}

inline constexpr char kRetryInASecond[] =
    "details { [type.googleapis.com/google.rpc.RetryInfo] { retry_delay { seconds: 1 } } } ";

inline void ExpectError(const CallError& error, grpc::StatusCode code, const std::string& message,
                        const std::string& details) {
  EXPECT_EQ(error.status.error_code(), code);
  EXPECT_THAT(DetailsOf(error.status), EqualsText(ExpectedStatus(code, message, details)));
  EXPECT_THAT(AsReceived(error), IsWellFormedError());
  EXPECT_EQ(error.reason, ReasonOf(error.status));
}

inline std::string ScopeOf(const CallError& error) {
  return DetailOf<google::rpc::ErrorInfo>(error.status).metadata().at("scope");
}

inline constexpr char kRequestInfo[] =
    "details { [type.googleapis.com/google.rpc.RequestInfo] { request_id: 'order-1' } }";

}  // namespace gateway

#endif  // TESTS_UNIT_RPC_EXPECTED_ERRORS_H_
