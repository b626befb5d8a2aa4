// The API key and what is about a person stay where they belong, whatever fails.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/integration/gateway/faults.h"
#include "tests/integration/gateway/gateway_bench.h"
#include "tests/integration/gateway/sample.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using grpc::StatusCode;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kKeyCanary[] = "key-canary-5f0c93";
constexpr char kPersonCanary[] = "Person-Canary-8d21";

// An application that names a person wherever Passfort may do so.
std::string PersonalAnswer() {
  const std::string canary = kPersonCanary;
  return R"({"id": "edc23993-eb6a-9d89-bb79-5b8925b33224", "status": "APPROVED",)"
         R"( "history": [{"status": "APPROVED", "date": "no date )" +
         canary + R"(", "comment": ")" + canary + R"(", "decisioner": {"name": ")" + canary +
         R"(", "email": ")" + canary + R"(@example.com"}}], ")" + canary + R"(": ")" + canary +
         R"(", "errors": [{"code": 401, "message": ")" + canary + R"("}]})";
}

std::string PersonalError(int code) {
  return R"({"errors": [{"code": )" + std::to_string(code) + R"(, "message": ")" +
         std::string(kPersonCanary) + R"(", "info": {"name": ")" + std::string(kPersonCanary) +
         R"("}}]})";
}

std::vector<Fault> EveryFailure() {
  using Then = Fault::Then;
  std::vector<Fault> faults;
  for (const int status : {200, 302, 307, 400, 401, 403, 404, 409, 422, 429, 500, 502}) {
    faults.push_back(Refuses(status, PersonalError(status == 200 ? 204 : 201),
                             {{"X-RateLimit-Retry-Secs", "3600"},
                              {"Location", std::string("http://127.0.0.1/") + kPersonCanary}}));
  }
  faults.push_back(Refuses(401, R"({"errors": {"code": 204, "message": "not a key: )" +
                                    std::string(kKeyCanary) + R"("}})"));
  faults.push_back(Refuses(502, "<html>" + std::string(kPersonCanary)));
  faults.push_back(Refuses(200, std::string(kPersonCanary)));
  faults.push_back(Refuses(200, PersonalAnswer()));
  faults.push_back(MakesAndAnswers({.body = PersonalAnswer(), .cut_after = 300}));
  faults.push_back(MakesAndAnswers({.body = PersonalAnswer(), .pad_to = 2 * 1024 * 1024}));
  faults.push_back(MakesAndAnswers({.raw = std::string(kPersonCanary) + "\r\n\r\n"}));
  faults.push_back(MakesAndThen(Then::kReset));
  faults.push_back(MakesAndThen(Then::kClose));
  faults.push_back(MakesAndThen(Then::kHang));
  return faults;
}

// Everything of an error that a caller may log or show. Passfort's own words, which may be about a
// person, are in one place only: the metadata `passfort_message`.
std::string TextOf(const Answered& answered) {
  std::string text = answered.status.error_message() + "\n";
  for (const auto& [name, value] : answered.trailers) {
    if (!name.starts_with("grpc-status-details")) text += name + "=" + value + "\n";
  }
  google::rpc::Status details = DetailsOf(answered.status);
  for (const auto& detail : details.details()) {
    google::rpc::ErrorInfo info;
    if (!detail.UnpackTo(&info)) continue;
    for (const auto& [name, value] : info.metadata()) {
      if (name != "passfort_message") text += name + "=" + value + "\n";
    }
  }
  return text;
}

TEST(SecrecyTest, NoFailureShowsTheKeyOrAPersonInLogMetricsOrError) {
  FakePassfort passfort;
  // Its own key is another one, so what is not scripted is refused too.
  GatewayProcess gateway(
      {.api_url = passfort.url(),
       .api_key = kKeyCanary,
       .flags = {"--log_level=debug", "--attempt_timeout=1500ms", "--passfort_message"}});
  const GatewayCaller caller(gateway.target());
  std::string seen;
  std::string details;
  const auto call = [&](const pb::AddProductApplicationRequest& request) {
    const Answered answered = caller.Add(request, 6s);
    seen += TextOf(answered);
    details += answered.status.error_details();
  };

  for (const Fault& fault : EveryFailure()) {
    passfort.Script(fault);
    call(ARequest());
  }
  call(ARequest());
  auto wrong = ARequest();
  wrong.set_profile_id(kPersonCanary);
  wrong.mutable_product()->set_alias(std::string(kPersonCanary) + "\n");
  wrong.mutable_product()->set_id(kPersonCanary);
  call(wrong);
  EXPECT_EQ(passfort.faults_waiting(), 0u);
  const auto requests = passfort.requests();
  passfort.GoAway();
  pb::AddProductApplicationRequest named = ARequest();
  named.mutable_product()->set_alias(kPersonCanary);
  call(named);

  const std::string metrics = gateway.Metrics();
  gateway.Signal(SIGTERM);
  EXPECT_EQ(gateway.WaitForExit(), 0);
  const std::string log = gateway.LogText();
  // Both have something in them, and the key was really in use.
  EXPECT_THAT(log, HasSubstr("OUTCOME_UNKNOWN"));
  EXPECT_THAT(metrics, HasSubstr("passfort_requests_total"));
  ASSERT_FALSE(requests.empty());
  EXPECT_THAT(requests[0].headers, ::testing::Contains(::testing::Pair("apikey", kKeyCanary)));

  for (const char* canary : {kKeyCanary, kPersonCanary}) {
    EXPECT_THAT(log, Not(HasSubstr(canary)));
    EXPECT_THAT(metrics, Not(HasSubstr(canary)));
    EXPECT_THAT(seen, Not(HasSubstr(canary)));
  }
  EXPECT_THAT(details, Not(HasSubstr(kKeyCanary)));
  EXPECT_THAT(log, Not(HasSubstr(kProfileId)));
  EXPECT_THAT(metrics, Not(HasSubstr(kProfileId)));
}

std::string MessageIn(const Answered& answered) {
  const auto info = DetailOf<google::rpc::ErrorInfo>(answered.status);
  const auto message = info.metadata().find("passfort_message");
  return message == info.metadata().end() ? "none" : message->second;
}

TEST(SecrecyTest, PassfortsOwnWordsAreOnlyShownWhereTheOperatorWantsIt) {
  FakePassfort passfort;
  const GatewayProcess silent({.api_url = passfort.url()});
  passfort.Script(Refuses(422, PersonalError(201)));
  const Answered without = GatewayCaller(silent.target()).Add();
  EXPECT_EQ(MessageIn(without), "none");
  EXPECT_THAT(TextOf(without) + without.status.error_details(), Not(HasSubstr(kPersonCanary)));

  const GatewayProcess telling({.api_url = passfort.url(), .flags = {"--passfort_message"}});
  const GatewayCaller caller(telling.target());
  passfort.Script(Refuses(422, R"({"errors":{"code":201,"message":"a\u202eb\nc"}})"));
  EXPECT_EQ(MessageIn(caller.Add()), "ab c");
  passfort.Script(
      Refuses(422, R"({"errors":{"code":201,"message":"the key t\u0065st-key is old"}})"));
  EXPECT_EQ(MessageIn(caller.Add()), "none");
}

// A file that is replaced as Kubernetes and careful people do it: by renaming.
class KeyFile {
 public:
  explicit KeyFile(const std::string& content) {
    std::string folder = (std::filesystem::temp_directory_path() / "api_key_XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) std::abort();
    folder_ = folder;
    Replace(content);
  }
  ~KeyFile() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  KeyFile(const KeyFile&) = delete;
  KeyFile& operator=(const KeyFile&) = delete;

  void Replace(const std::string& content) const {
    std::ofstream(folder_ / "new") << content;
    std::filesystem::permissions(folder_ / "new", std::filesystem::perms::owner_read);
    std::filesystem::rename(folder_ / "new", folder_ / "key");
  }
  std::string path() const { return (folder_ / "key").string(); }

 private:
  std::filesystem::path folder_;
};

// Calls until one ends with `code`; the code of the last one.
StatusCode CallUntil(const GatewayCaller& caller, StatusCode code) {
  const auto give_up = std::chrono::steady_clock::now() + 20s;
  StatusCode last = StatusCode::DO_NOT_USE;
  do {
    last = caller.Add().status.error_code();
  } while (last != code && std::chrono::steady_clock::now() < give_up);
  return last;
}

TEST(SecrecyTest, AReplacedKeyFileIsInUseSoonAndNoLineShowsEitherKey) {
  const KeyFile file(std::string(kKeyCanary) + "\n");
  FakePassfort passfort;
  const GatewayProcess gateway({.api_url = passfort.url(),
                                .api_key = "",
                                .flags = {"--api_key_file=" + file.path(), "--log_level=debug"}});
  const GatewayCaller caller(gateway.target());
  EXPECT_EQ(caller.Add().status.error_code(), StatusCode::INTERNAL);

  file.Replace("test-key");
  EXPECT_EQ(CallUntil(caller, StatusCode::OK), StatusCode::OK);
  EXPECT_THAT(gateway.LogText(), Not(HasSubstr(kKeyCanary)));
  EXPECT_THAT(gateway.LogText(), Not(HasSubstr("test-key")));
}

TEST(SecrecyTest, AKeyFileThatBecomesUselessLeavesTheOldKeyInUse) {
  const KeyFile file("test-key\n");
  FakePassfort passfort;
  const GatewayProcess gateway(
      {.api_url = passfort.url(), .api_key = "", .flags = {"--api_key_file=" + file.path()}});
  const GatewayCaller caller(gateway.target());
  ASSERT_TRUE(caller.Add().status.ok());

  file.Replace(std::string(kKeyCanary) + "\nand a second line\n");
  const auto give_up = std::chrono::steady_clock::now() + 20s;
  while (gateway.LogText().find("the old key stays in use") == std::string::npos &&
         std::chrono::steady_clock::now() < give_up) {
    ASSERT_TRUE(caller.Add().status.ok());
  }
  EXPECT_THAT(gateway.LogText(), HasSubstr("the old key stays in use"));
  EXPECT_TRUE(caller.Add().status.ok());
  EXPECT_THAT(gateway.LogText(), Not(HasSubstr(kKeyCanary)));
}

}  // namespace
}  // namespace gateway
