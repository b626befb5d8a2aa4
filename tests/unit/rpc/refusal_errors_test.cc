// Passfort's refusals: one row for each of its codes and HTTP statuses.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/rpc/expected_errors.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct RefusalCase {
  int http_status;
  std::optional<int> code;
  grpc::StatusCode grpc_code;
  std::string reason;
  std::string words;
};

std::string RefusalName(const testing::TestParamInfo<RefusalCase>& info) {
  const auto& [http_status, code, grpc_code, reason, words] = info.param;
  return absl::StrCat("Http", http_status, code ? absl::StrCat("Code", *code) : "");
}

class RefusalTest : public testing::TestWithParam<RefusalCase> {};

TEST_P(RefusalTest, IsReportedAsTheTableSays) {
  const auto& [http_status, code, grpc_code, reason, words] = GetParam();
  const std::string code_text = code ? absl::StrCat(", code ", *code) : "";
  std::vector<std::pair<std::string, std::string>> metadata = {
      {"phase", "ANSWERED"}, {"http_status", absl::StrCat(http_status)}};
  if (code) metadata.emplace_back("passfort_code", absl::StrCat(*code));
  const size_t split = words.find('|');
  ExpectError(ErrorWithoutRequestId({.outcome = Refused{AnAnswer(http_status, code)}}), grpc_code,
              absl::StrCat(words.substr(0, split), " (HTTP ", http_status, code_text,
                           "): nothing was executed. ", words.substr(split + 1)),
              ExpectedInfo(reason, metadata));
}

constexpr char kRejectedInput[] =
    "Passfort did not accept the request\\'s values|Correct the request and try again.";
constexpr char kConflict[] =
    "Passfort reports that it already exists|Look for the one that exists.";
constexpr char kPrecondition[] =
    "the profile\\'s current state does not allow this|Change that state and try again.";
constexpr char kNotTaken[] =
    "Passfort, or a proxy in front of it, does not accept such a request|Contact the operator of "
    "the "
    "gateway.";
constexpr char kQuota[] =
    "the Passfort account has reached a quota|Ask Passfort to raise it before retrying.";
constexpr char kCredentials[] =
    "Passfort did not accept the gateway\\'s API key|Contact the operator of the gateway.";
constexpr char kForbidden[] =
    "the gateway\\'s API key or IP address is not allowed to do this|Contact the operator of the "
    "gateway.";
constexpr char kNotFound[] =
    "no such profile, or it is not visible to the gateway\\'s API key|Check profile_id.";
constexpr char kRedirects[] =
    "api_url redirects, and the gateway follows no redirects|Contact the operator of the gateway.";

constexpr auto kInvalidArgument = grpc::StatusCode::INVALID_ARGUMENT;
constexpr auto kFailedPrecondition = grpc::StatusCode::FAILED_PRECONDITION;
constexpr auto kExhausted = grpc::StatusCode::RESOURCE_EXHAUSTED;
constexpr auto kInternal = grpc::StatusCode::INTERNAL;
constexpr auto kAlreadyExists = grpc::StatusCode::ALREADY_EXISTS;
constexpr std::nullopt_t kNoCode = std::nullopt;

INSTANTIATE_TEST_SUITE_P(
    ByHttpStatus, RefusalTest,
    testing::Values(
        RefusalCase{307, kNoCode, kInternal, "API_URL_REDIRECTS", kRedirects},
        RefusalCase{308, kNoCode, kInternal, "API_URL_REDIRECTS", kRedirects},
        RefusalCase{400, kNoCode, kInvalidArgument, "PASSFORT_REJECTED_INPUT", kRejectedInput},
        RefusalCase{401, kNoCode, kInternal, "GATEWAY_CREDENTIALS_REFUSED", kCredentials},
        RefusalCase{403, kNoCode, grpc::StatusCode::PERMISSION_DENIED, "PASSFORT_FORBIDDEN",
                    kForbidden},
        RefusalCase{404, kNoCode, grpc::StatusCode::NOT_FOUND, "PASSFORT_NOT_FOUND", kNotFound},
        RefusalCase{405, kNoCode, kFailedPrecondition, "PASSFORT_PRECONDITION", kNotTaken},
        RefusalCase{409, kNoCode, kAlreadyExists, "PASSFORT_CONFLICT", kConflict},
        RefusalCase{410, kNoCode, kFailedPrecondition, "PASSFORT_PRECONDITION", kNotTaken},
        RefusalCase{413, kNoCode, kInvalidArgument, "PASSFORT_REJECTED_INPUT", kRejectedInput},
        RefusalCase{422, kNoCode, kInvalidArgument, "PASSFORT_REJECTED_INPUT", kRejectedInput},
        RefusalCase{431, kNoCode, kFailedPrecondition, "PASSFORT_PRECONDITION", kNotTaken}),
    RefusalName);

// A code that is known decides, whatever the HTTP status; any other does not.
INSTANTIATE_TEST_SUITE_P(
    ByPassfortCode, RefusalTest,
    testing::Values(
        RefusalCase{200, 101, kInvalidArgument, "PASSFORT_REJECTED_INPUT", kRejectedInput},
        RefusalCase{200, 102, kFailedPrecondition, "PASSFORT_PRECONDITION", kPrecondition},
        RefusalCase{200, 103, kFailedPrecondition, "PASSFORT_PRECONDITION", kPrecondition},
        RefusalCase{403, 104, kExhausted, "QUOTA_REACHED", kQuota},
        RefusalCase{200, 105, kFailedPrecondition, "PASSFORT_PRECONDITION", kPrecondition},
        RefusalCase{400, 106, kFailedPrecondition, "PASSFORT_PRECONDITION", kPrecondition},
        RefusalCase{200, 107, kExhausted, "QUOTA_REACHED", kQuota},
        RefusalCase{404, 201, kInvalidArgument, "PASSFORT_REJECTED_INPUT", kRejectedInput},
        RefusalCase{400, 202, kAlreadyExists, "PASSFORT_CONFLICT", kConflict},
        RefusalCase{200, 203, kInternal, "GATEWAY_CREDENTIALS_REFUSED", kCredentials},
        RefusalCase{400, 204, kInternal, "GATEWAY_CREDENTIALS_REFUSED", kCredentials},
        RefusalCase{400, 502, kFailedPrecondition, "PASSFORT_PRECONDITION", kPrecondition},
        RefusalCase{404, 999, grpc::StatusCode::NOT_FOUND, "PASSFORT_NOT_FOUND", kNotFound}),
    RefusalName);

TEST(ErrorOfRefusedTest, KeepsPassfortsWordsInTheMetadataOnly) {
  const CallError error =
      ErrorWithoutRequestId({.outcome = Refused{AnAnswer(422, 201, "product: unknown alias")}});
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(error.status).metadata().at("passfort_message"),
            "product: unknown alias");
  EXPECT_THAT(error.status.error_message(), Not(HasSubstr("unknown alias")));
  EXPECT_EQ(error.phase, CallPhase::kAnswered);
  EXPECT_EQ(error.http_status, 422);
}

}  // namespace
}  // namespace gateway
