// Whatever Passfort, or something on the way to it, answers: nothing of it comes out elsewhere.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/gateway/secrecy/secrecy_fixture.h"

namespace gateway {
namespace {

constexpr char kUnknown[] = "OUTCOME_UNKNOWN";
constexpr int kNoCode = 999;  // none that the API documents

struct FailurePath {
  std::string name;
  Fault fault;
  std::string reason;  // that it was walked
  // Not empty: with a gateway of its own.
  std::vector<std::string> flags = {};

  friend void PrintTo(const FailurePath& shown, std::ostream* out) { *out << shown.name; }
};

FailurePath Answers(std::string name, int status, std::string body, std::string reason) {
  Fault fault = Refuses(status, std::move(body), CanaryHeaders(name));
  return {std::move(name), std::move(fault), std::move(reason)};
}

FailurePath AnswersRaw(std::string name, std::string raw) {
  return {std::move(name), MakesAndAnswers({.raw = std::move(raw)}), kUnknown};
}

std::vector<FailurePath> Statuses() {
  std::vector<FailurePath> paths;
  for (const auto& [status, reason] :
       std::vector<std::pair<int, std::string>>{{302, kUnknown},
                                                {307, "API_URL_REDIRECTS"},
                                                {308, "API_URL_REDIRECTS"},
                                                {400, "PASSFORT_REJECTED_INPUT"},
                                                {401, "GATEWAY_CREDENTIALS_REFUSED"},
                                                {403, "PASSFORT_FORBIDDEN"},
                                                {404, "PASSFORT_NOT_FOUND"},
                                                {408, kUnknown},
                                                {409, "PASSFORT_CONFLICT"},
                                                {410, "PASSFORT_PRECONDITION"},
                                                {418, kUnknown},
                                                {422, "PASSFORT_REJECTED_INPUT"},
                                                {500, kUnknown},
                                                {502, kUnknown},
                                                {503, kUnknown}}) {
    const std::string name = "Http" + std::to_string(status);
    paths.push_back(Answers(name, status, CanaryError(name, kNoCode), reason));
  }
  paths.push_back(Answers("Page404", 404, CanaryPage("Page404"), "PASSFORT_NOT_FOUND"));
  paths.push_back(Answers("Page502", 502, CanaryPage("Page502"), kUnknown));
  paths.push_back(Answers("Code104", 400, CanaryError("Code104", 104), "QUOTA_REACHED"));
  paths.push_back(Answers(
      "EchoedKey", 401,
      R"({"errors": {"code": 204, "message": "not a key: )" + std::string(kKeyCanary) + R"("}})",
      "GATEWAY_CREDENTIALS_REFUSED"));
  paths.back().fault.answer.headers.emplace_back("X-Key", kKeyCanary);
  paths.push_back(Answers("Code302", 422, CanaryError("Code302", 302), kUnknown));
  return paths;
}

std::vector<FailurePath> BodiesOfSuccesses() {
  const std::string canary = PassfortCanary("Success");
  return {
      Answers("Errors", 200, CanaryError("Errors", 204), "GATEWAY_CREDENTIALS_REFUSED"),
      Answers("ErrorsOfNoKnownCode", 201, CanaryError("ErrorsOfNoKnownCode", kNoCode), kUnknown),
      Answers("ErrorsAsAnObject", 200,
              R"({"errors": {"code": 103, "message": ")" + canary + R"("}})",
              "PASSFORT_PRECONDITION"),
      Answers("ErrorsAsAText", 200, R"({"errors": ")" + canary + R"("})", kUnknown),
      Answers("Page", 200, CanaryPage("Page"), kUnknown),
      Answers("Text", 200, canary, kUnknown),
      Answers("JsonThatEnds", 200, R"({"status": "APPROVED", "name": ")" + canary, kUnknown),
      Answers("JsonWithoutId", 200, R"({"name": ")" + canary + R"("})", kUnknown),
      Answers("JsonWithAnObjectAsId", 200, R"({"id": {"name": ")" + canary + R"("}})", kUnknown),
      Answers("JsonTooDeep", 200, R"({"name": ")" + canary + R"(", "x": )" + std::string(500, '['),
              kUnknown)};
}

std::vector<FailurePath> BrokenAnswers() {
  constexpr size_t kMiB = 1024 * 1024;
  using Framing = AnswerScript::Framing;
  using Then = Fault::Then;
  const std::string canary = PassfortCanary("Broken");
  const std::string page = CanaryPage("Broken");
  return {
      {"CutBody", MakesAndAnswers({.body = page, .cut_after = 60}), kUnknown},
      {"CutChunk", MakesAndAnswers({.body = page, .framing = Framing::kChunked, .cut_after = 60}),
       kUnknown},
      {"OversizeBody", MakesAndAnswers({.body = page, .pad_to = 2 * kMiB}), kUnknown},
      {"Reset", MakesAndThen(Then::kReset), kUnknown},
      {"Close", MakesAndThen(Then::kClose), kUnknown},
      {"Hang", MakesAndThen(Then::kHang), kUnknown, {"--attempt_timeout=300ms"}},
      AnswersRaw("NoHttp", canary + "\r\n\r\n"),
      AnswersRaw("NoVersionOfHttp", "HTTP/9.9 200 " + canary + "\r\n\r\n"),
      AnswersRaw("NoStatus", "HTTP/1.1 " + canary + "\r\n\r\n"),
      AnswersRaw("NoLength", "HTTP/1.1 200 OK\r\nContent-Length: " + canary + "\r\n\r\n"),
      AnswersRaw("NoChunk",
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + canary + "\r\n"),
      AnswersRaw("NoEncoding", "HTTP/1.1 200 OK\r\nContent-Encoding: " + canary +
                                   "\r\nContent-Length: 4\r\n\r\nabcd"),
      AnswersRaw("HeaderThatIsNone", "HTTP/1.1 200 OK\r\n" + canary + "\r\n\r\n"),
      AnswersRaw("HeadersWithoutEnd", "HTTP/1.1 200 OK\r\nX-Name: " + canary +
                                          std::string(400 * 1024, 'x') + "\r\n\r\n")};
}

std::vector<FailurePath> NotExecuted() {
  // The gateway tries it again, and is refused as its key is no other one's.
  const std::string refused = "GATEWAY_CREDENTIALS_REFUSED";
  std::vector<FailurePath> paths = {
      Answers("Http421", 421, CanaryError("Http421", kNoCode), refused),
      Answers("Http425", 425, CanaryPage("Http425"), refused),
      Answers("Http429", 429, CanaryError("Http429", kNoCode), "RATE_LIMITED")};
  paths.back().fault.answer.headers.emplace_back("X-RateLimit-Retry-Secs", "50");
  // Pauses and the budget of repeats are all calls' together.
  for (FailurePath& path : paths) path.flags = {"--circuit_breaker=off"};
  return paths;
}

std::vector<FailurePath> Successes() {
  std::vector<FailurePath> paths = {
      Answers("Application", 200, CanaryApplication("Application"), ""),
      Answers("ApplicationAndErrors", 200, CanaryApplication("ApplicationAndErrors"), "")};
  std::string& body = *paths.back().fault.answer.body;
  body.pop_back();
  body += R"(, "errors": [{"code": 401, "message": ")" + AnswerCanary("Late") + R"("}]})";
  return paths;
}

class PassfortAnswersTest : public testing::TestWithParam<FailurePath> {
 protected:
  static SecrecyFixture::Settings Settings(std::vector<std::string> flags) {
    flags.insert(flags.end(), {"--settle_window=10ms", "--lease_duration=1s"});
    return {.flags = std::move(flags), .environment = {"PASSFORT_GATEWAY_STORE=sqlite::memory:"}};
  }
  // One gateway for most paths: none of them may touch another one.
  static void SetUpTestSuite() {
    shared = std::make_unique<SecrecyFixture>(Settings({"--circuit_breaker=off"}));
  }
  static void TearDownTestSuite() {
    shared->ExpectNothingShownUntilItEnds();
    shared.reset();
  }

  void SetUp() override {
    if (!GetParam().flags.empty()) {
      own_ = std::make_unique<SecrecyFixture>(Settings(GetParam().flags));
    }
    fixture().passfort.Script(Lists(CanaryList("Listed")));
  }
  void TearDown() override { fixture().passfort.ClearFaults(); }

  SecrecyFixture& fixture() { return own_ != nullptr ? *own_ : *shared; }
  size_t AddsScripted() { return fixture().passfort.faults_waiting() - 1; }

 private:
  static inline std::unique_ptr<SecrecyFixture> shared;
  std::unique_ptr<SecrecyFixture> own_;
};

TEST_P(PassfortAnswersTest, AreNowhereElse) {
  fixture().passfort.Script(GetParam().fault);
  const Answered answered = fixture().Add();
  EXPECT_EQ(ReasonOf(answered.status), GetParam().reason) << answered.status.error_message();
  EXPECT_EQ(AddsScripted(), 0u);
  fixture().ExpectNothingShown();
}

TEST_P(PassfortAnswersTest, AreNowhereElseWithARequestIdEither) {
  static int number = 0;
  fixture().passfort.Script(GetParam().fault);
  fixture().Add(ACanaryRequest(RequestId::kOwn, ++number));
  EXPECT_EQ(AddsScripted(), 0u);
  fixture().ExpectNothingShown();
}

// One suite, so that there is one shared gateway.
std::vector<FailurePath> AllPaths() {
  std::vector<FailurePath> all;
  for (const auto& paths :
       {Statuses(), BodiesOfSuccesses(), BrokenAnswers(), NotExecuted(), Successes()}) {
    all.insert(all.end(), paths.begin(), paths.end());
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Paths, PassfortAnswersTest, testing::ValuesIn(AllPaths()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace gateway
