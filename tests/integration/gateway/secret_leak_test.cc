// Passfort's own words, and API keys that change. secrecy/ has what else can fail.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/integration/gateway/faults.h"
#include "tests/integration/gateway/gateway_fixture.h"
#include "tests/integration/gateway/sample.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using grpc::StatusCode;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kKeyCanary[] = "key-canary-5f0c93";
constexpr char kPersonCanary[] = "Person-Canary-8d21";

std::string PersonalError(int code) {
  return R"({"errors": [{"code": )" + std::to_string(code) + R"(, "message": ")" +
         std::string(kPersonCanary) + R"(", "info": {"name": ")" + std::string(kPersonCanary) +
         R"("}}]})";
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
  while (gateway.LogText().find("still using the previous key") == std::string::npos &&
         std::chrono::steady_clock::now() < give_up) {
    ASSERT_TRUE(caller.Add().status.ok());
  }
  EXPECT_THAT(gateway.LogText(), HasSubstr("still using the previous key"));
  EXPECT_TRUE(caller.Add().status.ok());
  EXPECT_THAT(gateway.LogText(), Not(HasSubstr(kKeyCanary)));
}

}  // namespace
}  // namespace gateway
