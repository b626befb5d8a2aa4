#include "service/passfort/outcome_table.h"

#include <gmock/gmock.h>

#include <sstream>
#include <string>
#include <vector>

#include "service/http/http_client.h"
#include "service/json/json_sax.h"
#include "service/passfort/message_filter.h"
#include "tests/fakes/create_outcomes.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;

const MessageFilter& AMessageFilter() {
  static const MessageFilter filter({"a-key-that-nobody-names"});
  return filter;
}

constexpr char kApplication[] = R"({"id": "edc23993", "status": "APPLIED"})";

HttpResult Answer(int status, std::string body, HttpHeaders headers = {}) {
  return {.response_or_failure =
              HttpResponse{.status = status, .body = std::move(body), .headers = headers},
          .may_have_sent_body = true};
}

HttpResult Failure(HttpFailure::Kind kind, bool may_have_sent_body) {
  return {.response_or_failure = HttpFailure{.kind = kind},
          .may_have_sent_body = may_have_sent_body};
}

HttpResult LossOnReuse(bool may_have_sent_body) {
  HttpResult result = Failure(HttpFailure::Kind::kConnectionLost, may_have_sent_body);
  result.lost_on_reuse = true;
  return result;
}

// One line per outcome, with everything that the caller can tell apart.
std::string Describe(const CreateOutcome& outcome) {
  const auto with_answer = [](std::string text, const std::optional<ResponseSummary>& answer) {
    if (!answer) return text;
    text += " http=" + std::to_string(answer->http_status);
    if (answer->code) text += " code=" + std::to_string(*answer->code);
    if (!answer->message.empty()) text += " message=" + answer->message;
    return text;
  };
  struct Describer {
    decltype(with_answer)& tell;
    std::string operator()(const Done& done) const {
      const std::string text = "done " + done.application->id();
      return done.error_code ? text + " code=" + std::to_string(*done.error_code) : text;
    }
    std::string operator()(const Refused& refused) const {
      return tell("refused", refused.response);
    }
    std::string operator()(const NotExecuted& not_done) const {
      using Cause = NotExecuted::Cause;
      std::string text = "not executed:";
      if (not_done.cause == Cause::kUnreachable) text += " unreachable";
      if (not_done.cause == Cause::kRateLimited) text += " rate limited";
      if (not_done.cause == Cause::kNoTimeLeft) text += " no time left";
      if (not_done.cause == Cause::kStopped) text += " stopped";
      if (not_done.cause == Cause::kSendGateClosed) text += " send gate closed";
      if (not_done.cause == Cause::kCircuitOpen) text += " circuit open";
      if (not_done.lost_on_reuse) text += " on reuse";
      if (not_done.retry_after) {
        text += " after=" + std::to_string(not_done.retry_after->count()) + "ms";
      }
      return tell(text, not_done.response);
    }
    std::string operator()(const Ambiguous& unknown) const {
      using Cause = Ambiguous::Cause;
      std::string text = "ambiguous:";
      if (unknown.cause == Cause::kTimeout) text += " timeout";
      if (unknown.cause == Cause::kConnectionLost) text += " connection lost";
      if (unknown.cause == Cause::kResponseTooLarge) text += " answer too large";
      if (unknown.cause == Cause::kServerError) text += " server error";
      if (unknown.cause == Cause::kUnreadable) text += " unreadable";
      if (unknown.cause == Cause::kStopped) text += " stopped";
      if (unknown.lost_on_reuse) text += " on reuse";
      return tell(text, unknown.response);
    }
  };
  return std::visit(Describer{with_answer}, outcome);
}

struct Row {
  std::string name;
  HttpResult seen;
  std::string outcome;
};

class OutcomeTableTest : public testing::TestWithParam<Row> {};

TEST_P(OutcomeTableTest, DecidesAsTheTableSays) {
  EXPECT_EQ(Describe(ClassifyWrite(GetParam().seen, absl::UnixEpoch(), &AMessageFilter())),
            GetParam().outcome);
}

std::vector<Row> Rows() {
  using Kind = HttpFailure::Kind;
  const std::string html = "<html><body>Bad gateway</body></html>";
  const std::string empty_errors = R"({"errors": []})";
  const auto error = [](const std::string& code) {
    return R"({"errors": [{"code": )" + code + R"(, "message": "no"}]})";
  };
  const auto codes = [](const std::string& list) {
    std::string items;
    for (std::stringstream rest(list); !rest.eof();) {
      std::string code;
      std::getline(rest, code, ',');
      items += (items.empty() ? R"({"code": )" : R"(, {"code": )") + code + "}";
    }
    return R"({"errors": [)" + items + "]}";
  };
  // As many values as are read.
  std::string zeros;
  for (size_t i = 0; i < kMaxJsonValues; ++i) zeros += ",0";
  return {
      // Row 1
      {"Row1Ok", Answer(200, kApplication), "done edc23993"},
      {"Row1Created", Answer(201, kApplication), "done edc23993"},
      {"Row1OddSuccessStatus", Answer(299, kApplication), "done edc23993"},
      {"Row1ErrorsBesideTheId", Answer(200, R"({"id": "a", "errors": [{"code": 201}]})"),
       "done a code=201"},
      {"Row1EmptyErrorsBesideTheId", Answer(200, R"({"id": "a", "errors": []})"), "done a"},
      {"Row1InternalErrorBesideTheId", Answer(200, R"({"id": "a", "errors": {"code": 401}})"),
       "done a code=401"},
      {"Row1StrangeContent", Answer(200, R"({"id": "a", "product": 7, "history": {}})"), "done a"},
      {"Row1LoneSurrogate", Answer(200, R"({"id": "a", "note": "\ud83d"})"), "done a"},
      {"Row1InvalidUtf8", Answer(200, "{\"note\": \"\xff\", \"id\": \"a\"}"), "done a"},
      {"Row1NotANumber", Answer(200, R"({"score": NaN, "id": "a"})"), "done a"},
      {"Row1Infinity", Answer(200, R"({"scores": [Infinity, -Infinity], "id": "a"})"), "done a"},
      {"Row1NumberBeyondDouble", Answer(200, R"({"score": 1e400, "id": "a"})"), "done a"},
      {"Row1ByteOrderMark", Answer(200, "\xef\xbb\xbf{\"id\": \"a\"}"), "done a"},
      {"Row1LineBreakInAString", Answer(200, "{\"note\": \"a\nb\", \"id\": \"a\"}"), "done a"},
      {"Row1OddId", Answer(200, "{\"id\": \"a\xff\"}"), R"(done a\xff)"},
      {"Row1AsManyValuesAsAreRead", Answer(200, R"({"id": "a", "x": [)" + zeros.substr(7) + "]}"),
       "done a"},
      {"Row1AmbiguousErrorBesideARefusal",
       Answer(200, R"({"id": "a", "errors": [{"code": 201}, {"code": 302}]})"), "done a code=302"},
      // Row 2
      {"Row2Resolve", Failure(Kind::kResolve, false), "not executed: unreachable"},
      {"Row2Connect", Failure(Kind::kConnect, false), "not executed: unreachable"},
      {"Row2Tls", Failure(Kind::kTls, false), "not executed: unreachable"},
      {"Row2LostBeforeTheBody", Failure(Kind::kConnectionLost, false), "not executed: unreachable"},
      {"Row2LostOnReuseBeforeTheBody", LossOnReuse(false), "not executed: unreachable on reuse"},
      {"Row2Deadline", Failure(Kind::kTimeout, false), "not executed: no time left"},
      {"Row2Stopped", Failure(Kind::kStopped, false), "not executed: stopped"},
      {"Row2SendGate", Failure(Kind::kSendGateClosed, false), "not executed: send gate closed"},
      // Row 3
      {"Row3SendGateWithinTheBody", Failure(Kind::kSendGateClosed, true),
       "ambiguous: connection lost"},
      {"Row3Timeout", Failure(Kind::kTimeout, true), "ambiguous: timeout"},
      {"Row3Lost", Failure(Kind::kConnectionLost, true), "ambiguous: connection lost"},
      {"Row3LostOnReuse", LossOnReuse(true), "ambiguous: connection lost on reuse"},
      {"Row3TlsAfterTheBody", Failure(Kind::kTls, true), "ambiguous: connection lost"},
      {"Row3ConnectAfterTheBody", Failure(Kind::kConnect, true), "ambiguous: connection lost"},
      {"Row3Protocol", Failure(Kind::kProtocol, true), "ambiguous: connection lost"},
      {"Row3Other", Failure(Kind::kOther, true), "ambiguous: connection lost"},
      {"Row3TooLarge", Failure(Kind::kTooLarge, true), "ambiguous: answer too large"},
      {"Row3Stopped", Failure(Kind::kStopped, true), "ambiguous: stopped"},
      // Row 4
      {"Row4RequestTimeout", Answer(408, ""), "ambiguous: server error http=408"},
      {"Row4InternalError", Answer(500, html), "ambiguous: server error http=500"},
      {"Row4BadGateway", Answer(502, html), "ambiguous: server error http=502"},
      {"Row4Unavailable", Answer(503, ""), "ambiguous: server error http=503"},
      {"Row4LastServerError", Answer(599, ""), "ambiguous: server error http=599"},
      {"Row4KnownCodeDoesNotHelp", Answer(500, error("201")),
       "ambiguous: server error http=500 code=201 message=no"},
      {"Row4ApplicationDoesNotHelp", Answer(500, kApplication), "ambiguous: server error http=500"},
      {"Row4Redirect300", Answer(300, ""), "ambiguous: server error http=300"},
      {"Row4Redirect301", Answer(301, ""), "ambiguous: server error http=301"},
      {"Row4Redirect306", Answer(306, ""), "ambiguous: server error http=306"},
      {"Row4PaymentRequired", Answer(402, ""), "ambiguous: server error http=402"},
      {"Row4ProxyAuthenticationRequired", Answer(407, ""), "ambiguous: server error http=407"},
      {"Row4PreconditionFailed", Answer(412, "{}"), "ambiguous: server error http=412"},
      {"Row4Teapot", Answer(418, html), "ambiguous: server error http=418"},
      {"Row4NginxClosedTheConnection", Answer(444, ""), "ambiguous: server error http=444"},
      {"Row4UnavailableForLegalReasons", Answer(451, ""), "ambiguous: server error http=451"},
      {"Row4BalancerSawTheClientLeave", Answer(460, ""), "ambiguous: server error http=460"},
      {"Row4NginxSawTheClientLeave", Answer(499, ""), "ambiguous: server error http=499"},
      {"Row4RefusalCodeWithAnUnlistedStatus", Answer(499, error("201")),
       "ambiguous: server error http=499 code=201 message=no"},
      // Row 5
      {"Row5Code301", Answer(200, error("301")),
       "ambiguous: server error http=200 code=301 message=no"},
      {"Row5Code302", Answer(400, error("302")),
       "ambiguous: server error http=400 code=302 message=no"},
      {"Row5Code303", Answer(404, error("303")),
       "ambiguous: server error http=404 code=303 message=no"},
      {"Row5Code401", Answer(422, error("401")),
       "ambiguous: server error http=422 code=401 message=no"},
      {"Row5Code402", Answer(409, error("402")),
       "ambiguous: server error http=409 code=402 message=no"},
      {"Row5Code501", Answer(307, error("501")),
       "ambiguous: server error http=307 code=501 message=no"},
      {"Row5AfterARefusal", Answer(400, codes("201, 302")),
       "ambiguous: server error http=400 code=302"},
      {"Row5LastOfMany", Answer(200, codes("101, 101, 202, 999, 401")),
       "ambiguous: server error http=200 code=401"},
      {"Row5AsAString", Answer(400, codes(R"(201, "302")")),
       "ambiguous: server error http=400 code=302"},
      {"Row5WithAFraction", Answer(400, codes("201, 302.0")),
       "ambiguous: server error http=400 code=302"},
      {"Row5BehindItemsThatAreNoObjects",
       Answer(400, R"({"errors": [null, "x", 7, [], {}, {"code": 302, "message": "m"}]})"),
       "ambiguous: server error http=400 code=302 message=m"},
      {"Row5InAListInTheList", Answer(400, R"({"errors": [{"code": 201}, [[{"code": 302}]]]})"),
       "ambiguous: server error http=400 code=302"},
      {"Row5UnderAKey", Answer(400, R"({"errors": {"product": {"code": 302}}})"),
       "ambiguous: server error http=400 code=302"},
      {"Row5InsideOfARefusal",
       Answer(400, R"({"errors": {"code": 201, "message": "no", "info": [{"code": 401}]}})"),
       "ambiguous: server error http=400 code=401"},
      {"Row5TwoCodesInOneItem", Answer(400, R"({"errors": {"code": 302, "code": 201}})"),
       "ambiguous: server error http=400 code=302"},
      {"Row5InTheFirstOfTwoLists",
       Answer(400, R"({"errors": [{"code": 302}], "errors": [{"code": 201}]})"),
       "ambiguous: server error http=400 code=302"},
      {"Row5InABodyThatBreaksOff", Answer(404, R"({"errors": [{"code": 401}, {"co)"),
       "ambiguous: server error http=404 code=401"},
      {"Row5BesideAnOddValue",
       Answer(400,
              R"({"errors": [{"code": 201, "message": "\ud83d"}, {"code": 302, "info": NaN}]})"),
       "ambiguous: server error http=400 code=302"},
      {"Row5BeforeRateLimit", Answer(429, error("401")),
       "ambiguous: server error http=429 code=401 message=no"},
      // Row 6
      {"Row6WithSuccess", Answer(200, error("201")), "refused http=200 code=201 message=no"},
      {"Row6ObjectForm", Answer(200, R"({"errors": {"code": 204}})"), "refused http=200 code=204"},
      {"Row6NumericString", Answer(400, error(R"("104")")), "refused http=400 code=104 message=no"},
      // Words about the gateway's own key may repeat it, and they would reach every caller.
      {"Row6WordsAboutTheKey", Answer(200, error("204")), "refused http=200 code=204"},
      {"Row8WordsAboutTheKey", Answer(401, error("999")), "refused http=401 code=999"},
      {"Row6WithNotFound", Answer(404, error("202")), "refused http=404 code=202 message=no"},
      {"Row6BeforeRateLimit", Answer(429, error("104")), "refused http=429 code=104 message=no"},
      {"Row6FirstOfTheRefusals", Answer(200, codes("101, 202")), "refused http=200 code=101"},
      {"Row6BesideErrorsWithoutACode",
       Answer(200, R"({"errors": [{"message": "x"}, {"code": 202}]})"),
       "refused http=200 code=202"},
      {"Row6WithAByteOrderMark", Answer(200, "\xef\xbb\xbf" + error("201")),
       "refused http=200 code=201 message=no"},
      {"Row6WithAnOddMessage", Answer(200, R"({"errors": {"code": 201, "message": "a\ud83d"}})"),
       R"(refused http=200 code=201 message=a\ud83d)"},
      {"Row6BesideAnIdThatIsNone",
       Answer(200, R"({"id": null, "errors": {"code": 201}, "x": {"id": 7}})"),
       "refused http=200 code=201"},
      {"Row6BesideAnEmptyId", Answer(200, R"({"id": "", "errors": {"code": 201}})"),
       "refused http=200 code=201"},
      {"Row6BesideAnIdOfAnotherTypeWithAClientError",
       Answer(400, R"({"id": 7, "errors": {"code": 201}})"), "refused http=400 code=201"},
      // What nobody knows may be ambiguous, so the HTTP status has to say no as well.
      {"Row6UnknownCodeBesideItAndAClientError", Answer(400, codes("999, 201")),
       "refused http=400 code=201"},
      {"Row6WordsAboutTheKeyBesideIt",
       Answer(400, R"({"errors": [{"code": 201, "message": "m"}, {"code": 204}]})"),
       "refused http=400 code=201"},
      {"Row6BeforeMisdirected", Answer(421, error("104")), "refused http=421 code=104 message=no"},
      // Row 7
      {"Row7WithoutHeaders", Answer(429, ""), "not executed: rate limited http=429"},
      {"Row7WithHeader", Answer(429, "", {{"x-ratelimit-retry-secs", "1.5"}}),
       "not executed: rate limited after=1500ms http=429"},
      {"Row7Misdirected", Answer(421, ""), "not executed: unreachable http=421"},
      {"Row7TooEarly", Answer(425, ""), "not executed: unreachable http=425"},
      {"Row7TooEarlyWithHeader", Answer(425, "", {{"retry-after", "2"}}),
       "not executed: unreachable after=2000ms http=425"},
      {"Row7UnknownCode", Answer(425, error("999")),
       "not executed: unreachable http=425 code=999 message=no"},
      // Row 8
      {"Row8NotFound", Answer(404, html), "refused http=404"},
      {"Row8UnknownCode", Answer(404, error("999")), "refused http=404 code=999 message=no"},
      // Read as -1 once, a code that Passfort had not said.
      {"Row8CodeBeyondInt64", Answer(404, error("18446744073709551615")),
       "refused http=404 message=no"},
      {"Row8Unauthorized", Answer(401, ""), "refused http=401"},
      {"Row8TemporaryRedirect", Answer(307, ""), "refused http=307"},
      {"Row8PermanentRedirect", Answer(308, ""), "refused http=308"},
      {"Row8ApplicationIsNoSuccess", Answer(404, kApplication), "refused http=404"},
      // Row 9
      {"Row9NotJson", Answer(200, html), "ambiguous: unreadable http=200"},
      {"Row9Empty", Answer(204, ""), "ambiguous: unreadable http=204"},
      {"Row9CutJson", Answer(200, R"({"id": "a")"), "ambiguous: unreadable http=200"},
      {"Row9NoId", Answer(200, R"({"status": "APPLIED"})"), "ambiguous: unreadable http=200"},
      {"Row9EmptyId", Answer(200, R"({"id": ""})"), "ambiguous: unreadable http=200"},
      {"Row9IdOfAnotherType", Answer(200, R"({"id": 7})"), "ambiguous: unreadable http=200"},
      {"Row9NullId", Answer(200, R"({"id": null})"), "ambiguous: unreadable http=200"},
      {"Row9List", Answer(200, R"([{"id": "a"}])"), "ambiguous: unreadable http=200"},
      {"Row9EmptyErrors", Answer(200, empty_errors), "ambiguous: unreadable http=200"},
      {"Row9EmptyErrorObject", Answer(200, R"({"errors": {}})"), "ambiguous: unreadable http=200"},
      {"Row9UnknownCode", Answer(200, error("999")),
       "ambiguous: unreadable http=200 code=999 message=no"},
      {"Row9ErrorsWithoutCode", Answer(200, R"({"errors": [{"message": "no"}]})"),
       "ambiguous: unreadable http=200 message=no"},
      {"Row9UnknownCodeBesideARefusal", Answer(200, codes("201, 999")),
       "ambiguous: unreadable http=200 code=999"},
      {"Row9UnreadableCodeBesideARefusal",
       Answer(200, R"({"errors": [{"code": 201}, {"code": "E17", "message": "no"}]})"),
       "ambiguous: unreadable http=200 message=no"},
      {"Row9RefusalBesideAnIdOfAnotherType", Answer(201, R"({"errors": [{"code": 201}], "id": 7})"),
       "ambiguous: unreadable http=201 code=201"},
      {"Row9RefusalBesideAnIdThatIsAnObject",
       Answer(200, R"({"id": {"$oid": "a"}, "errors": [{"code": 201}]})"),
       "ambiguous: unreadable http=200 code=201"},
      {"Row9RefusalBesideTwoIds",
       Answer(200, R"({"id": "a", "id": null, "errors": [{"code": 201}]})"),
       "ambiguous: unreadable http=200 code=201"},
      {"Row9RefusalInABodyThatBreaksOff", Answer(200, R"({"errors": [{"code": 201}], )"),
       "ambiguous: unreadable http=200"},
      {"Row9WordAsId", Answer(200, R"({"id": NaN})"), "ambiguous: unreadable http=200"},
      {"Row9TooManyValues", Answer(200, R"({"id": "a", "x": [0)" + zeros + "]}"),
       "ambiguous: unreadable http=200"},
      {"Row9TooManyValuesWithAClientError", Answer(404, R"({"x": [0)" + zeros + "]}"),
       "ambiguous: unreadable http=404"},
      {"Row9TooDeep",
       Answer(200, R"({"id": "a", "x": )" + std::string(64, '[') + std::string(64, ']') + "}"),
       "ambiguous: unreadable http=200"},
      {"Row9KnownCodeWithARedirect", Answer(309, error("201")),
       "ambiguous: unreadable http=309 code=201 message=no"},
      {"Row9Informational", Answer(101, kApplication), "ambiguous: unreadable http=101"},
  };
}

INSTANTIATE_TEST_SUITE_P(Rows, OutcomeTableTest, testing::ValuesIn(Rows()),
                         [](const auto& info) { return info.param.name; });

// What a server refuses with, one row for each status; all others are rows above.
TEST(ClientErrorsTest, EveryStatusIsInOneRow) {
  std::vector<int> refused;
  std::vector<int> not_processed;
  for (int status = 400; status <= 499; ++status) {
    const CreateOutcome outcome = ClassifyWrite(Answer(status, ""), absl::UnixEpoch(), nullptr);
    if (std::holds_alternative<Refused>(outcome)) refused.push_back(status);
    if (std::holds_alternative<NotExecuted>(outcome)) not_processed.push_back(status);
  }
  EXPECT_THAT(refused, testing::ElementsAre(400, 401, 403, 404, 405, 406, 409, 410, 411, 413, 414,
                                            415, 422, 426, 431));
  EXPECT_THAT(not_processed, testing::ElementsAre(421, 425, 429));
}

TEST(PassfortMessageTest, IsNotReadUnlessAskedFor) {
  const HttpResult result = Answer(400, R"({"errors": [{"code": 201, "message": "no"}]})");
  const auto message = [&](const MessageFilter* messages) {
    const CreateOutcome outcome = ClassifyWrite(result, absl::UnixEpoch(), messages);
    return std::get<Refused>(outcome).response.message;
  };
  EXPECT_EQ(message(nullptr), "");
  EXPECT_EQ(message(&AMessageFilter()), "no");
}

}  // namespace
}  // namespace gateway
