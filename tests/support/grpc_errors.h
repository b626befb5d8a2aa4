#ifndef TESTS_SUPPORT_GRPC_ERRORS_H_
#define TESTS_SUPPORT_GRPC_ERRORS_H_

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace gateway {

// An error as a client sees it. Programs that use this link gateway::rpc_details.
struct ReceivedError {
  grpc::Status status;
  std::multimap<std::string, std::string> trailers;
};

inline ReceivedError Received(const grpc::Status& status, const grpc::ClientContext& context) {
  ReceivedError error = {.status = status, .trailers = {}};
  for (const auto& [name, value] : context.GetServerTrailingMetadata()) {
    error.trailers.emplace(std::string(name.data(), name.size()),
                           std::string(value.data(), value.size()));
  }
  return error;
}

inline google::rpc::Status DetailsOf(const grpc::Status& status) {
  google::rpc::Status details;
  std::ignore = details.ParseFromString(status.error_details());
  return details;
}

// The first detail of `type` among those of `status`; an empty message if there is none.
template <typename Detail>
Detail DetailOf(const grpc::Status& status) {
  Detail found;
  const google::rpc::Status details = DetailsOf(status);
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&found)) break;
  }
  return found;
}

inline std::string ReasonOf(const grpc::Status& status) {
  return DetailOf<google::rpc::ErrorInfo>(status).reason();
}

// Equal to the message that the text format `text` describes, details inside Any included.
MATCHER_P(EqualsText, text, "") {
  std::remove_cvref_t<arg_type> expected;
  if (!google::protobuf::TextFormat::ParseFromString(text, &expected)) {
    *result_listener << "the expected text is no such message";
    return false;
  }
  std::string difference;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  const bool equal = differencer.Compare(expected, arg);
  *result_listener << difference;
  return equal;
}

// How many bytes of HTTP/2 header list an error takes in its trailers: names, values (binary ones
// as base64, text percent-encoded) and 32 bytes for each, as RFC 9113 6.5.2 counts them.
inline size_t TrailerBytes(const ReceivedError& error) {
  constexpr size_t kOverhead = 32;
  const auto bytes = [](std::string_view name, size_t value_bytes) {
    return name.size() + value_bytes + kOverhead;
  };
  const std::string message = error.status.error_message();
  const auto plain = static_cast<size_t>(std::count_if(
      message.begin(), message.end(), [](char c) { return c >= ' ' && c <= '~' && c != '%'; }));
  size_t total =
      bytes("grpc-status", 2) + bytes("grpc-message", plain + 3 * (message.size() - plain)) +
      bytes("grpc-status-details-bin", (error.status.error_details().size() + 2) / 3 * 4) +
      bytes(":status", 3) + bytes("content-type", 16);
  for (const auto& [name, value] : error.trailers) total += bytes(name, value.size());
  return total;
}

namespace grpc_errors_internal {

inline bool IsUpperSnake(std::string_view text) {
  return !text.empty() && text.size() <= 63 && std::isupper(text.front()) && text.back() != '_' &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isupper(c) || std::isdigit(c) || c == '_';
         });
}

inline bool IsMetadataKey(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::islower(text.front()) &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::islower(c) || std::isdigit(c) || c == '_';
         });
}

// Empty if `error` keeps all the rules, else the one it breaks.
inline std::string BrokenRule(const ReceivedError& error) {
  constexpr size_t kMaxTrailerBytes = 8 * 1024;
  using grpc::StatusCode;
  const StatusCode code = error.status.error_code();
  if (code == StatusCode::OK) return "is OK, not an error";
  if (error.status.error_message().empty()) return "has no message";

  google::rpc::Status details;
  if (!details.ParseFromString(error.status.error_details()) || details.details().empty()) {
    return "has no google.rpc.Status details";
  }
  if (details.code() != code) return "has another code in its details";
  if (details.message() != error.status.error_message())
    return "has another message in its details";

  google::rpc::ErrorInfo info;
  if (!details.details(0).UnpackTo(&info)) return "does not begin its details with ErrorInfo";
  if (!IsUpperSnake(info.reason())) return "has a reason that is not UPPER_SNAKE";
  if (info.domain() != "passfort.gateway") return "has another domain";
  for (const auto& [key, value] : info.metadata()) {
    if (!IsMetadataKey(key)) return "has a metadata key that is not lower_snake: " + key;
    if (value.empty()) return "has an empty metadata value: " + key;
  }
  const auto phase = info.metadata().find("phase");
  const std::set<std::string> phases = {"NOT_SENT", "SENT", "ANSWERED"};
  if (phase == info.metadata().end() || !phases.contains(phase->second)) return "has no phase";
  const auto scope = info.metadata().find("scope");
  const std::set<std::string> scopes = {"CALL", "REQUEST_ID"};
  if (scope == info.metadata().end() || !scopes.contains(scope->second)) return "has no scope";

  std::set<std::string> types;
  for (const auto& detail : details.details()) {
    if (!types.insert(detail.type_url()).second) return "has a detail twice: " + detail.type_url();
  }
  const bool has_retry_info = types.contains("type.googleapis.com/google.rpc.RetryInfo");
  const bool should_retry =
      code == StatusCode::UNAVAILABLE ||
      (code == StatusCode::RESOURCE_EXHAUSTED && info.reason() != "QUOTA_REACHED" &&
       info.reason() != "CALLER_BUDGET_REACHED");
  if (should_retry != has_retry_info) return "has RetryInfo where it must not, or lacks it";

  const auto pushback = error.trailers.equal_range("grpc-retry-pushback-ms");
  const auto pushbacks = std::distance(pushback.first, pushback.second);
  if (should_retry && pushbacks != 0) return "forbids a retry that is safe";
  if (!should_retry && (pushbacks != 1 || pushback.first->second != "-1")) {
    return "does not forbid clients to repeat by themselves";
  }
  if (TrailerBytes(error) >= kMaxTrailerBytes) return "has trailers of 8 KiB or more";
  return "";
}

}  // namespace grpc_errors_internal

// What AIP-193 asks of every error, and what this gateway promises beyond it: our ErrorInfo first
// with phase and scope, each detail once, RetryInfo on exactly the errors that are safe to retry,
// the retry-pushback trailer on all others, trailers below 8 KiB.
MATCHER(IsWellFormedError, "") {
  const std::string broken = grpc_errors_internal::BrokenRule(arg);
  if (!broken.empty()) *result_listener << "it " << broken;
  return broken.empty();
}

}  // namespace gateway

#endif  // TESTS_SUPPORT_GRPC_ERRORS_H_
