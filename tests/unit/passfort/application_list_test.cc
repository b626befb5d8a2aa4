#include "service/passfort/application_list.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "service/http/http_client.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;
using testing::ElementsAre;
using testing::IsEmpty;

HttpResult Answer(int status, std::string body, HttpHeaders headers = {}) {
  return {.answer = HttpResponse{.status = status, .body = std::move(body), .headers = headers},
          .body_requested = true};
}

ListOutcome Read(const HttpResult& result) { return OutcomeOfList(result, absl::UnixEpoch()); }

// What a list is recognised by, item by item.
std::vector<std::string> Describe(const ListOutcome& outcome) {
  const auto* list = std::get_if<ApplicationList>(&outcome);
  if (list == nullptr) return {"no list"};
  std::vector<std::string> items;
  for (const auto& item : list->applications) {
    items.push_back(item.id + "|" + item.product_alias + "|" + item.product_id + "|" +
                    item.associated_role);
  }
  return items;
}

TEST(ApplicationListTest, AnEmptyListIsAList) {
  EXPECT_THAT(Describe(Read(Answer(200, "[]"))), IsEmpty());
  EXPECT_TRUE(std::holds_alternative<ApplicationList>(Read(Answer(200, "[]"))));
}

TEST(ApplicationListTest, KeepsIdsInLowerCaseAndTheRestAsItCame) {
  EXPECT_THAT(Describe(Read(Answer(200, R"([
        {"id": "EDC23993-EB6A", "product": {"id": "B0CE7C17", "alias": "Forexo_Basic"},
         "associated_role": "DIRECTOR", "hidden": true, "status": "REJECTED"},
        {"id": "1d5cf0aa", "product": {"id": "2a6e1f3c", "name": "Mortgage"}},
        {"id": "7f1d2c08", "associated_role": "NOMINEE"}])"))),
              ElementsAre("edc23993-eb6a|Forexo_Basic|b0ce7c17|DIRECTOR", "1d5cf0aa||2a6e1f3c|",
                          "7f1d2c08|||NOMINEE"));
}

TEST(ApplicationListTest, ReadsEveryItemWithNothingLost) {
  const auto outcome = Read(Answer(200, R"([{"id": "EDC2", "status": "PAUSED", "hidden": true,
                                             "product": {"alias": "a"}}])"));
  const auto& list = std::get<ApplicationList>(outcome).applications;
  const pb::ProductApplication& application = *list[0].application;
  EXPECT_EQ(application.id(), "EDC2");
  EXPECT_EQ(application.product().alias(), "a");
  EXPECT_TRUE(application.hidden());
  EXPECT_EQ(application.unmapped().fields().at("status").string_value(), "PAUSED");
}

TEST(ApplicationListTest, NullAndAnotherTypeThanDocumentedAreAbsent) {
  EXPECT_THAT(Describe(Read(Answer(200, R"([
                {"id": "a", "product": null, "associated_role": null},
                {"id": "b", "product": {"id": null, "alias": 7}, "associated_role": {}},
                {"id": "c", "product": "forexo_basic"},
                {"id": "d", "product": {"alias": 18446744073709551617}, "associated_role": 7},
                {"id": "e", "associated_role": -18446744073709551617}])"))),
              ElementsAre("a|||", "b|||", "c|||", "d|||", "e|||"));
}

struct NoListCase {
  std::string name;
  std::string body;
};

class NoListTest : public testing::TestWithParam<NoListCase> {};

// What such a list does not show is not proven absent.
TEST_P(NoListTest, DoesNotCount) {
  const auto outcome = Read(Answer(200, GetParam().body));
  const auto* failed = std::get_if<ListFailed>(&outcome);
  ASSERT_NE(failed, nullptr);
  EXPECT_FALSE(failed->refusal.has_value());
  ASSERT_TRUE(failed->not_carried_out.has_value());
  EXPECT_EQ(failed->not_carried_out->cause, NotCarriedOut::Cause::kUnreachable);
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, NoListTest,
    testing::Values(NoListCase{"Empty", ""}, NoListCase{"Html", "<html></html>"},
                    NoListCase{"CutOff", R"([{"id": "a"}, {"id": "b")"},
                    NoListCase{"Object", R"({"applications": []})"},
                    NoListCase{"OneApplication", R"({"id": "a"})"},
                    NoListCase{"ItemWithoutId", R"([{"id": "a"}, {"status": "APPLIED"}])"},
                    NoListCase{"ItemWithEmptyId", R"([{"id": ""}])"},
                    NoListCase{"ItemWithNumberAsId", R"([{"id": 7}])"},
                    NoListCase{"ItemIsNull", R"([{"id": "a"}, null])"},
                    NoListCase{"ItemIsText", R"(["a"])"}, NoListCase{"Null", "null"},
                    NoListCase{"UnknownError", R"({"errors": [{"code": 999}]})"}),
    [](const auto& info) { return info.param.name; });

struct FailureCase {
  std::string name;
  HttpResult seen;
  std::string expected;
};

std::string DescribeFailure(const ListOutcome& outcome) {
  const auto* failed = std::get_if<ListFailed>(&outcome);
  if (failed == nullptr) return "a list";
  if (failed->refusal && failed->not_carried_out) return "both";
  if (failed->refusal) {
    return "refused " + std::to_string(failed->refusal->http_status) +
           (failed->refusal->code ? "/" + std::to_string(*failed->refusal->code) : "");
  }
  if (!failed->not_carried_out) return "neither";
  using Cause = NotCarriedOut::Cause;
  std::string text;
  if (failed->not_carried_out->cause == Cause::kUnreachable) text = "unreachable";
  if (failed->not_carried_out->cause == Cause::kRateLimited) text = "rate limited";
  if (failed->not_carried_out->cause == Cause::kNoTimeLeft) text = "no time left";
  if (failed->not_carried_out->cause == Cause::kStopped) text = "stopped";
  if (const auto& after = failed->not_carried_out->retry_after) {
    text += " " + std::to_string(after->count()) + "ms";
  }
  if (const auto& answer = failed->not_carried_out->answer) {
    text += " " + std::to_string(answer->http_status);
  }
  if (failed->is_no_list) text += ", no list";
  return text;
}

class ListFailureTest : public testing::TestWithParam<FailureCase> {};

TEST_P(ListFailureTest, IsToldApart) {
  EXPECT_EQ(DescribeFailure(Read(GetParam().seen)), GetParam().expected);
}

std::vector<FailureCase> FailureCases() {
  using Kind = HttpFailure::Kind;
  const auto failure = [](Kind kind) {
    return HttpResult{.answer = HttpFailure{.kind = kind}, .body_requested = true};
  };
  const auto error = [](const std::string& code) {
    return R"({"errors": [{"code": )" + code + "}]}";
  };
  return {
      {"Unauthorized", Answer(401, ""), "refused 401"},
      {"Forbidden", Answer(403, ""), "refused 403"},
      {"NotFound", Answer(404, "<html>"), "refused 404"},
      {"OtherClientError", Answer(410, ""), "refused 410"},
      {"Redirect", Answer(307, ""), "refused 307"},
      {"KnownCodeWithSuccess", Answer(200, error("204")), "refused 200/204"},
      {"KnownCodeWithClientError", Answer(404, error("201")), "refused 404/201"},
      {"AListWithAClientErrorIsNone", Answer(404, R"([{"id": "a"}])"), "refused 404"},
      {"RateLimited", Answer(429, "", {{"x-ratelimit-retry-secs", "2"}}),
       "rate limited 2000ms 429"},
      {"InternalCode", Answer(404, error("401")), "unreachable 404"},
      {"RequestTimeout", Answer(408, ""), "unreachable 408"},
      {"ServerError", Answer(502, "<html>"), "unreachable 502"},
      {"AListWithAServerErrorIsNone", Answer(500, "[]"), "unreachable 500"},
      {"OldRedirect", Answer(301, ""), "unreachable 301"},
      {"Timeout", failure(Kind::kTimeout), "no time left"},
      {"Lost", failure(Kind::kConnectionLost), "unreachable"},
      {"Connect", failure(Kind::kConnect), "unreachable"},
      {"TooLarge", failure(Kind::kTooLarge), "unreachable, no list"},
      {"Stopped", failure(Kind::kStopped), "stopped"},
  };
}

INSTANTIATE_TEST_SUITE_P(Answers, ListFailureTest, testing::ValuesIn(FailureCases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace gateway
