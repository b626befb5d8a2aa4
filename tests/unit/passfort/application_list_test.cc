#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "service/http/http_client.h"
#include "service/json/json_sax.h"
#include "service/passfort/mapping/product_application_json.h"
#include "service/passfort/product_application_client.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

HttpResult Answer(int status, std::string body, HttpHeaders headers = {}) {
  return {.response_or_failure =
              HttpResponse{.status = status, .body = std::move(body), .headers = headers},
          .may_have_sent_body = true};
}

constexpr char kProfileId[] = "aAaA0000-0000-4000-8000-000000000001";

ReadResponse ReadWithRemark(const HttpResult& result) {
  return ReadAtOnce(kListApplications, kProfileId, result, absl::UnixEpoch(), nullptr);
}

ListOutcome Read(const HttpResult& result) { return ToListOutcome(ReadWithRemark(result).outcome); }

// One application with a list of zeros: `values` values in all.
std::string LongList(size_t values) {
  std::string text = R"([{"id": "a", "x": [)";
  for (size_t i = 4; i < values; ++i) text += i == 4 ? "0" : ",0";
  return text + "]}]";
}

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

TEST(ApplicationListTest, ReadsWhatARecordKeepsAsPassfortSentIt) {
  const auto outcome = Read(Answer(200, R"([{"id": "EDC2", "hidden": true, "flag": "DECIDED",
                                             "product": {"alias": "Ab", "id": "B0CE"},
                                             "history": [{"status": "APPLIED", "flag": "x"}],
                                             "associated_role": "DIRECTOR",
                                             "status": "APPROVED"},
                                            {"id": "f1", "status": "PAUSED",
                                             "product": {"status": "APPLIED", "id": "c1"}}])"));
  const auto& list = std::get<ApplicationList>(outcome).applications;
  const pb::ProductApplication application = ApplicationOf(list[0]);
  EXPECT_EQ(application.id(), "EDC2");
  EXPECT_EQ(application.product().alias(), "Ab");
  EXPECT_EQ(application.product().id(), "B0CE");
  EXPECT_EQ(application.associated_role(), pb::ASSOCIATED_ROLE_DIRECTOR);
  EXPECT_EQ(application.status(), pb::PRODUCT_APPLICATION_STATUS_APPROVED);
  EXPECT_EQ(application.flag(), pb::PRODUCT_APPLICATION_FLAG_DECIDED);
  EXPECT_EQ(ApplicationOf(list[1]).id(), "f1");
  EXPECT_EQ(ApplicationOf(list[1]).product().id(), "c1");
  EXPECT_EQ(ApplicationOf(list[1]).status(), pb::PRODUCT_APPLICATION_STATUS_UNSPECIFIED);
  EXPECT_EQ(ApplicationOf(list[1]).flag(), pb::PRODUCT_APPLICATION_FLAG_UNSPECIFIED);
}

// A record keeps 4 KiB.
TEST(ApplicationListTest, ALongProductIsReadAsFarAsARecordCouldKeepIt) {
  for (const auto& [sent, read] : {std::pair<size_t, size_t>{4096, 4096}, {100'000, 4097}}) {
    const auto outcome = Read(
        Answer(200, R"([{"id": "a", "product": {"alias": ")" + std::string(sent, 'p') + "\"}}]"));
    const auto& list = std::get<ApplicationList>(outcome).applications;
    EXPECT_EQ(ApplicationOf(list[0]).product().alias().size(), read);
  }
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

TEST(ApplicationListTest, OfDuplicateKeysTheLastOneCounts) {
  EXPECT_THAT(Describe(Read(Answer(200, R"([
                {"id": "a", "product": {"id": "p", "alias": "x"}, "product": {"alias": "y"}},
                {"id": "b", "product": {"alias": "x", "alias": null}, "id": "c"},
                {"id": "d", "product": {"alias": "x"}, "product": null,
                 "associated_role": "DIRECTOR", "associated_role": 7}])"))),
              ElementsAre("a|y||", "c|||", "d|||"));
}

TEST(ApplicationListTest, TakesNothingFromOtherPlaces) {
  EXPECT_THAT(Describe(Read(Answer(200, R"([
                {"history": [{"id": "x", "alias": "x"}], "product": {"deeper": {"alias": "x"}},
                 "risk": {"id": "x", "associated_role": "x"}, "id": "a"},
                {"product": [{"alias": "x"}], "id": "b", "product": {"list": [{"id": "x"}]}},
                {"alias": "x", "id": "c"}])"))),
              ElementsAre("a|||", "b|||", "c|||"));
}

TEST(ApplicationListTest, IsAListOfTheProfileThatItsItemsName) {
  EXPECT_THAT(Describe(Read(Answer(200, R"([
                {"id": "a", "profile_id": "aaaa0000-0000-4000-8000-000000000001"},
                {"id": "b", "profile": {"id": "AAAA0000-0000-4000-8000-000000000001"}},
                {"id": "c", "profile_id": null, "profile": "other"},
                {"id": "d", "history": [{"profile_id": "other"}]}])"))),
              ElementsAre("a|||", "b|||", "c|||", "d|||"));
}

TEST(ApplicationListTest, SaysThatItIsOfAnotherProfile) {
  const ReadResponse read = ReadWithRemark(Answer(200, R"([{"id": "a", "profile_id": "other"}])"));
  EXPECT_TRUE(std::holds_alternative<NotExecuted>(read.outcome));
  EXPECT_THAT(read.remark, HasSubstr("another profile"));
  EXPECT_EQ(ReadWithRemark(Answer(200, "null")).remark, "");
}

bool IsWhole(const HttpResult& result) {
  return std::get<ApplicationList>(Read(result)).is_complete;
}

TEST(ApplicationListTest, APartOfAListAndAKeptCopyAreNotWhole) {
  EXPECT_TRUE(IsWhole(Answer(200, "[]")));
  EXPECT_FALSE(IsWhole(Answer(206, "[]")));
  EXPECT_TRUE(IsWhole(Answer(200, "[]", {{"age", "0"}})));
  EXPECT_FALSE(IsWhole(Answer(200, "[]", {{"age", "1"}})));
  EXPECT_FALSE(IsWhole(Answer(200, "[]", {{"age", "soon"}})));
}

struct ItemCase {
  std::string name;
  std::string item;
  std::string id;  // empty: it cannot be read
};

class ListItemTest : public testing::TestWithParam<ItemCase> {};

TEST_P(ListItemTest, HidesNoneOfTheOthers) {
  const auto outcome =
      Read(Answer(200, R"([{"id": "before"}, )" + GetParam().item + R"(, {"id": "after"}])"));
  const auto* list = std::get_if<ApplicationList>(&outcome);
  ASSERT_NE(list, nullptr);
  std::vector<std::string> ids;
  for (const auto& item : list->applications) ids.push_back(item.id);
  const bool is_readable = !GetParam().id.empty();
  EXPECT_EQ(ids, is_readable ? std::vector<std::string>({"before", GetParam().id, "after"})
                             : std::vector<std::string>({"before", "after"}));
  EXPECT_EQ(list->is_complete, is_readable);
}

INSTANTIATE_TEST_SUITE_P(
    Items, ListItemTest,
    testing::Values(
        ItemCase{"LoneSurrogate", R"({"id": "a", "note": "\ud83d"})", "a"},
        ItemCase{"InvalidUtf8", "{\"note\": \"\xff\", \"id\": \"a\"}", "a"},
        ItemCase{"NotANumber", R"({"score": NaN, "id": "a"})", "a"},
        ItemCase{"NumberBeyondDouble", R"({"id": "a", "score": 1e400})", "a"},
        ItemCase{"OddId", R"({"id": "A\ud83d"})", R"(a\ud83d)"},
        ItemCase{"LongId", R"({"id": ")" + std::string(1024, 'a') + "\"}", std::string(1024, 'a')},
        ItemCase{"IdBeyondReason", R"({"id": ")" + std::string(1025, 'a') + "\"}", ""},
        ItemCase{"WithoutId", R"({"status": "APPLIED"})", ""},
        ItemCase{"EmptyId", R"({"id": ""})", ""}, ItemCase{"NumberAsId", R"({"id": 7})", ""},
        ItemCase{"WordAsId", R"({"id": NaN})", ""}, ItemCase{"NullAsId", R"({"id": null})", ""},
        ItemCase{"ObjectAsId", R"({"id": {"id": "a"}})", ""},
        ItemCase{"IdThatDoesNotCount", R"({"id": "a", "id": 7})", ""}, ItemCase{"Null", "null", ""},
        ItemCase{"Text", R"("a")", ""}, ItemCase{"Number", "7", ""}, ItemCase{"Word", "None", ""},
        ItemCase{"List", R"([{"id": "a"}])", ""}, ItemCase{"EmptyObject", "{}", ""}),
    [](const auto& info) { return info.param.name; });

// Absent, it would be equal to what a write without a role made.
TEST(ApplicationListTest, ARoleThatIsTooLongIsNoAbsentOne) {
  const auto outcome = Read(
      Answer(200, R"([{"id": "a", "associated_role": ")" + std::string(100'000, 'R') + "\"}]"));
  const auto& list = std::get<ApplicationList>(outcome);
  EXPECT_EQ(list.applications[0].associated_role.substr(0, 3), "RRR");
  EXPECT_LT(list.applications[0].associated_role.size(), 2000u);
  EXPECT_TRUE(list.is_complete);
}

TEST(ApplicationListTest, ReadsAsManyValuesAsItsLimit) {
  const auto outcome = Read(Answer(200, LongList(kMaxJsonValuesOfList)));
  EXPECT_EQ(std::get<ApplicationList>(outcome).applications.size(), 1u);
}

// An item that is longer than a response may be is read to its end all the same.
TEST(ApplicationListTest, ReadsALongItemToItsEnd) {
  std::string list = LongList(2 * kMaxJsonValues);
  list.insert(list.size() - 2, R"(, "status": "APPROVED")");
  const auto outcome = Read(Answer(200, list));
  const auto application = ApplicationOf(std::get<ApplicationList>(outcome).applications[0]);
  EXPECT_EQ(application.status(), pb::PRODUCT_APPLICATION_STATUS_APPROVED);
}

struct NoListCase {
  std::string name;
  std::string body;
};

class NoListTest : public testing::TestWithParam<NoListCase> {};

// What such a list does not show is not proven absent.
TEST_P(NoListTest, DoesNotCount) {
  const auto outcome = Read(Answer(200, GetParam().body));
  const auto* failed = std::get_if<NotExecuted>(&outcome);
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->cause, NotExecuted::Cause::kUnreadable);
  EXPECT_EQ(failed->response->http_status, 200);
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, NoListTest,
    testing::Values(NoListCase{"Empty", ""}, NoListCase{"Html", "<html></html>"},
                    NoListCase{"CutOff", R"([{"id": "a"}, {"id": "b")"},
                    NoListCase{"Object", R"({"applications": []})"},
                    NoListCase{"OneApplication", R"({"id": "a"})"},
                    NoListCase{"CutAfterAnItem", R"([{"id": "a"}, )"},
                    NoListCase{"CutBeforeTheEnd", R"([{"id": "a"})"},
                    NoListCase{"TwoLists", R"([{"id": "a"}] [{"id": "b"}])"},
                    NoListCase{"Null", "null"}, NoListCase{"Text", R"("[]")"},
                    NoListCase{"ProfileIdOfAnotherProfile",
                               R"([{"id": "a"}, {"id": "b", "profile_id": "other"}])"},
                    NoListCase{"IdOfAnotherProfile",
                               R"([{"id": "a", "profile": {"id": "other"}}])"},
                    NoListCase{"AnotherProfileOfAnItemWithoutId", R"([{"profile_id": "other"}])"},
                    NoListCase{"UnknownError", R"({"errors": [{"code": 999}]})"}),
    [](const auto& info) { return info.param.name; });

struct FailureCase {
  std::string name;
  HttpResult seen;
  std::string expected;
};

std::string DescribeFailure(const ListOutcome& outcome) {
  if (std::holds_alternative<ApplicationList>(outcome)) return "a list";
  if (const auto* refused = std::get_if<Refused>(&outcome)) {
    return "refused " + std::to_string(refused->response.http_status) +
           (refused->response.code ? "/" + std::to_string(*refused->response.code) : "");
  }
  const auto* failed = std::get_if<NotExecuted>(&outcome);
  if (failed == nullptr) return "ambiguous";
  using Cause = NotExecuted::Cause;
  std::string text;
  if (failed->cause == Cause::kUnreachable) text = "unreachable";
  if (failed->cause == Cause::kServerError) text = "server error";
  if (failed->cause == Cause::kUnreadable) text = "unreadable";
  if (failed->cause == Cause::kResponseTooLarge) text = "too large";
  if (failed->cause == Cause::kRateLimited) text = "rate limited";
  if (failed->cause == Cause::kNoTimeLeft) text = "no time left";
  if (failed->cause == Cause::kStopped) text = "stopped";
  if (failed->lost_on_reuse) text += " on reuse";
  if (const auto& after = failed->retry_after) {
    text += " " + std::to_string(after->count()) + "ms";
  }
  if (const auto& answer = failed->response) {
    text += " " + std::to_string(answer->http_status);
  }
  return text;
}

class ListFailureTest : public testing::TestWithParam<FailureCase> {};

TEST_P(ListFailureTest, IsToldApart) {
  EXPECT_EQ(DescribeFailure(Read(GetParam().seen)), GetParam().expected);
}

std::vector<FailureCase> FailureCases() {
  using Kind = HttpFailure::Kind;
  const auto failure = [](Kind kind) {
    return HttpResult{.response_or_failure = HttpFailure{.kind = kind}, .may_have_sent_body = true};
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
      {"InternalCode", Answer(404, error("401")), "server error 404"},
      {"RequestTimeout", Answer(408, ""), "server error 408"},
      {"ServerError", Answer(502, "<html>"), "server error 502"},
      {"AListWithAServerErrorIsNone", Answer(500, "[]"), "server error 500"},
      {"OldRedirect", Answer(301, ""), "server error 301"},
      {"Timeout", failure(Kind::kTimeout), "no time left"},
      {"Lost", failure(Kind::kConnectionLost), "unreachable"},
      {"LostOnReuse",
       HttpResult{.response_or_failure = HttpFailure{.kind = Kind::kConnectionLost},
                  .may_have_sent_body = true,
                  .lost_on_reuse = true},
       "unreachable on reuse"},
      {"Connect", failure(Kind::kConnect), "unreachable"},
      {"TooLarge", failure(Kind::kTooLarge), "too large"},
      {"OneValueTooMany", Answer(200, LongList(kMaxJsonValuesOfList + 1)), "too large 200"},
      {"TooDeep", Answer(200, "[" + std::string(kMaxJsonDepth, '[')), "too large 200"},
      {"Stopped", failure(Kind::kStopped), "stopped"},
  };
}

INSTANTIATE_TEST_SUITE_P(Answers, ListFailureTest, testing::ValuesIn(FailureCases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace gateway
