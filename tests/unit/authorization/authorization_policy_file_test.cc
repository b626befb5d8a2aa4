#include "service/authorization/authorization_policy_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "service/authorization/message_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/authorization/policy_oracle.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using Change = AuthorizationPolicyFile::Change;

constexpr std::string_view kAdd = "/shop.v1.Orders/Add";
constexpr std::string_view kGet = "/shop.v1.Orders/Get";

std::string AllowsOnly(std::string_view path) {
  return MessageText(R"({"name": "p", "allow_rules": [{"name": "only)", path,
                     R"(", "request": {"paths": [")", path, "\"]}}]}");
}

class AuthorizationPolicyFileTest : public testing::Test {
 protected:
  // As tools that do it well: the new file is complete before it has the name.
  static void Write(const std::string& path, std::string_view text) {
    const std::string draft = path + ".draft";
    std::ofstream(draft, std::ios::binary) << text;
    fs::permissions(draft, fs::perms(0644));
    fs::rename(draft, path);
  }

  absl::StatusOr<std::unique_ptr<AuthorizationPolicyFile>> Open() const {
    return AuthorizationPolicyFile::Open(path_, {std::begin(kTestMethods), std::end(kTestMethods)});
  }
  std::unique_ptr<AuthorizationPolicyFile> OpenWith(std::string_view text) const {
    Write(path_, text);
    auto file = Open();
    EXPECT_TRUE(file.ok()) << file.status();
    return *std::move(file);
  }

  static bool Allows(const AuthorizationPolicyFile& file, std::string_view path) {
    return file.Current()->Decide("anna", path).policy.allowed;
  }

  const TemporaryFolder folder_;
  const std::string path_ = folder_.File("policy.json");
  const std::string candidate_ = folder_.File("policy.json.candidate");
};

TEST_F(AuthorizationPolicyFileTest, ABadFirstVersionIsAnErrorWithPathAndPlace) {
  Write(path_, "{\n  \"nam\": 1}");
  EXPECT_THAT(std::string(Open().status().message()),
              AllOf(HasSubstr(path_), HasSubstr("line 2, column 3: unknown member \"nam\"")));
}

TEST_F(AuthorizationPolicyFileTest, AMissingFileIsAnError) {
  EXPECT_THAT(std::string(Open().status().message()),
              AllOf(HasSubstr(path_), HasSubstr("No such file")));
}

TEST_F(AuthorizationPolicyFileTest, AFolderAndAPipeAreErrorsAndNotWaitedFor) {
  fs::create_directory(path_);
  EXPECT_FALSE(Open().ok());
  fs::remove(path_);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(std::string(Open().status().message()), HasSubstr("not a regular file"));
}

TEST_F(AuthorizationPolicyFileTest, AFileThatOthersCanWriteIsAnError) {
  Write(path_, AllowsOnly(kAdd));
  for (const int mode : {0664, 0646}) {
    fs::permissions(path_, fs::perms(mode));
    EXPECT_THAT(std::string(Open().status().message()), HasSubstr("chmod go-w"));
  }
  fs::permissions(path_, fs::perms(0444));
  EXPECT_TRUE(Open().ok());
}

TEST_F(AuthorizationPolicyFileTest, AFileThatIsTooLargeIsAnErrorHoweverLarge) {
  Write(path_, AllowsOnly(kAdd));
  fs::resize_file(path_, uintmax_t{1} << 40);  // a sparse file
  EXPECT_THAT(std::string(Open().status().message()), HasSubstr("larger than 262144 bytes"));
}

TEST_F(AuthorizationPolicyFileTest, ANewVersionIsInForceAfterRefresh) {
  const auto file = OpenWith(AllowsOnly(kAdd));
  Write(path_, AllowsOnly(kGet));
  EXPECT_TRUE(Allows(*file, kAdd));
  EXPECT_EQ(*file->Refresh().policy, Change::kNew);
  EXPECT_FALSE(Allows(*file, kAdd));
  EXPECT_TRUE(Allows(*file, kGet));
  EXPECT_EQ(file->Current()->generation(), 2U);
  EXPECT_EQ(*file->Refresh().policy, Change::kSame);
}

TEST_F(AuthorizationPolicyFileTest, TheSameTextIsNoNewVersion) {
  const auto file = OpenWith(AllowsOnly(kAdd));
  const auto version = file->Current();
  Write(path_, AllowsOnly(kAdd));
  EXPECT_EQ(*file->Refresh().policy, Change::kSame);
  EXPECT_EQ(file->Current(), version);
}

TEST_F(AuthorizationPolicyFileTest, ASymlinkThatIsSwappedIsANewVersion) {
  // As Kubernetes does it: policy.json -> ..data/policy.json, and ..data -> a folder.
  fs::create_directories(folder_.File("1"));
  fs::create_directories(folder_.File("2"));
  Write(folder_.File("1/policy.json"), AllowsOnly(kAdd));
  Write(folder_.File("2/policy.json"), AllowsOnly(kGet));
  fs::create_symlink("1", folder_.File("..data"));
  fs::create_symlink("..data/policy.json", path_);
  const auto file = Open();
  ASSERT_TRUE(file.ok());

  fs::create_symlink("2", folder_.File("..tmp"));
  fs::rename(folder_.File("..tmp"), folder_.File("..data"));

  EXPECT_EQ(*(*file)->Refresh().policy, Change::kNew);
  EXPECT_TRUE(Allows(**file, kGet));
}

TEST_F(AuthorizationPolicyFileTest, ABadLaterVersionIsReportedOnceAndTheOldOneStays) {
  const auto file = OpenWith(AllowsOnly(kAdd));
  Write(path_, "{");
  EXPECT_FALSE(file->Refresh().policy.ok());
  EXPECT_EQ(*file->Refresh().policy, Change::kSame);
  EXPECT_TRUE(Allows(*file, kAdd));
  EXPECT_EQ(file->Current()->generation(), 1U);

  Write(path_, "[]");  // another failure
  EXPECT_FALSE(file->Refresh().policy.ok());

  Write(path_, AllowsOnly(kAdd));
  EXPECT_EQ(*file->Refresh().policy, Change::kSame);
  Write(path_, "{");  // the first failure, after a success
  EXPECT_FALSE(file->Refresh().policy.ok());

  Write(path_, AllowsOnly(kGet));
  EXPECT_EQ(*file->Refresh().policy, Change::kNew);
  EXPECT_EQ(file->Current()->generation(), 2U);
}

TEST_F(AuthorizationPolicyFileTest, APolicyThatIsGoneIsReportedAndStays) {
  const auto file = OpenWith(AllowsOnly(kAdd));
  fs::remove(path_);
  EXPECT_FALSE(file->Refresh().policy.ok());
  EXPECT_TRUE(Allows(*file, kAdd));
}

TEST_F(AuthorizationPolicyFileTest, APolicyThatOthersCanWriteFromNowOnIsReported) {
  const auto file = OpenWith(AllowsOnly(kAdd));
  fs::permissions(path_, fs::perms(0666));
  EXPECT_THAT(std::string(file->Refresh().policy.status().message()), HasSubstr("chmod go-w"));
  fs::permissions(path_, fs::perms(0644));
  EXPECT_EQ(*file->Refresh().policy, Change::kSame);
}

TEST_F(AuthorizationPolicyFileTest, AVersionStaysAsItIsWhileACallHoldsIt) {
  const auto file = OpenWith(AllowsOnly(kAdd));
  const auto version = file->Current();
  const std::string_view rule = version->Decide("anna", kAdd).policy.rule;
  Write(path_, AllowsOnly(kGet));
  ASSERT_TRUE(file->Refresh().policy.ok());
  EXPECT_TRUE(version->Decide("anna", kAdd).policy.allowed);
  EXPECT_EQ(rule, "only/shop.v1.Orders/Add");
}

TEST_F(AuthorizationPolicyFileTest, ACandidateIsComparedAndRefusesNothing) {
  const auto file = OpenWith(AllowsOnly(kAdd));
  EXPECT_EQ(file->Current()->candidate(), nullptr);
  EXPECT_EQ(*file->Refresh().candidate, Change::kSame);

  Write(candidate_, AllowsOnly(kGet));
  const auto refreshed = file->Refresh();
  EXPECT_EQ(*refreshed.policy, Change::kSame);
  EXPECT_EQ(*refreshed.candidate, Change::kNew);
  EXPECT_EQ(file->Current()->generation(), 1U);

  const auto version = file->Current();
  const auto add = version->Decide("anna", kAdd);
  EXPECT_TRUE(add.policy.allowed);
  EXPECT_EQ(add.differing_candidate, AuthorizationDecision{});
  const auto get = version->Decide("anna", kGet);
  EXPECT_FALSE(get.policy.allowed);
  EXPECT_EQ(get.differing_candidate,
            (AuthorizationDecision{.allowed = true, .rule = "only/shop.v1.Orders/Get"}));
  EXPECT_EQ(version->Decide("anna", "/shop.v1.Orders/List").differing_candidate, std::nullopt);
}

TEST_F(AuthorizationPolicyFileTest, ACandidateWithOtherRulesAndTheSameVerdictDoesNotDiffer) {
  const auto file = OpenWith(AllowsOnly(kAdd));
  Write(candidate_, R"({"name": "c", "allow_rules": [{"name": "all"}]})");
  ASSERT_EQ(*file->Refresh().candidate, Change::kNew);
  EXPECT_EQ(file->Current()->Decide("anna", kAdd).differing_candidate, std::nullopt);
  EXPECT_EQ(file->Current()->Decide("", kAdd).differing_candidate, std::nullopt);
}

TEST_F(AuthorizationPolicyFileTest, ACandidateThatGoesIsGone) {
  const auto file = OpenWith(AllowsOnly(kAdd));
  Write(candidate_, AllowsOnly(kGet));
  ASSERT_EQ(*file->Refresh().candidate, Change::kNew);
  EXPECT_EQ(*file->Refresh().candidate, Change::kSame);
  fs::remove(candidate_);
  EXPECT_EQ(*file->Refresh().candidate, Change::kGone);
  EXPECT_EQ(file->Current()->candidate(), nullptr);
  EXPECT_EQ(*file->Refresh().candidate, Change::kSame);
  Write(candidate_, AllowsOnly(kGet));
  EXPECT_EQ(*file->Refresh().candidate, Change::kNew);
}

TEST_F(AuthorizationPolicyFileTest, ABadCandidateIsReportedOnceAndCountsNothing) {
  const auto file = OpenWith(AllowsOnly(kAdd));
  Write(candidate_, AllowsOnly(kGet));
  ASSERT_EQ(*file->Refresh().candidate, Change::kNew);

  Write(candidate_, "{");
  const auto refreshed = file->Refresh();
  EXPECT_EQ(*refreshed.policy, Change::kSame);
  EXPECT_THAT(std::string(refreshed.candidate.status().message()),
              AllOf(HasSubstr(candidate_), HasSubstr("line 1, column 2")));
  EXPECT_EQ(file->Current()->candidate(), nullptr);
  EXPECT_TRUE(Allows(*file, kAdd));
  EXPECT_EQ(*file->Refresh().candidate, Change::kSame);

  Write(candidate_, AllowsOnly(kGet));
  EXPECT_EQ(*file->Refresh().candidate, Change::kNew);
}

TEST_F(AuthorizationPolicyFileTest, ACandidateThatIsRenamedToThePolicyIsInForce) {
  const auto file = OpenWith(AllowsOnly(kAdd));
  Write(candidate_, AllowsOnly(kGet));
  ASSERT_EQ(*file->Refresh().candidate, Change::kNew);
  fs::rename(candidate_, path_);
  const auto refreshed = file->Refresh();
  EXPECT_EQ(*refreshed.policy, Change::kNew);
  EXPECT_EQ(*refreshed.candidate, Change::kGone);
  EXPECT_TRUE(Allows(*file, kGet));
}

// Judges calls while versions change: A allows Add and denies Get, B the reverse. A call asks both.
class Judge {
 public:
  explicit Judge(const AuthorizationPolicyFile& file) : file_(file) {}

  void Run(const std::atomic<bool>& stops) {
    uint64_t generation = 0;
    do {
      const auto version = file_.Current();
      const bool adds = version->Decide("anna", kAdd).policy.allowed;
      const bool gets = version->Decide("anna", kGet).policy.allowed;
      // Odd generations are A's.
      const bool is_a = version->generation() % 2 == 1;
      if (adds != is_a || gets == is_a || version->generation() < generation) ++mixed_;
      generation = version->generation();
      ++calls_;
    } while (!stops);
  }

  int mixed() const { return mixed_; }
  int calls() const { return calls_; }

 private:
  const AuthorizationPolicyFile& file_;
  int mixed_ = 0;
  int calls_ = 0;
};

TEST_F(AuthorizationPolicyFileTest, EveryCallIsJudgedByOneVersionWhileVersionsChange) {
  constexpr int kSwaps = 300;
  const auto file = OpenWith(AllowsOnly(kAdd));
  std::vector<Judge> judges(3, Judge(*file));
  std::atomic<bool> stops = false;
  std::vector<std::thread> threads;
  for (Judge& judge : judges) threads.emplace_back([&judge, &stops] { judge.Run(stops); });
  int swaps = 0;
  for (int i = 0; i < kSwaps; ++i) {
    Write(path_, AllowsOnly(i % 2 == 0 ? kGet : kAdd));
    Write(candidate_, AllowsOnly(i % 3 == 0 ? kGet : kAdd));
    const auto refreshed = file->Refresh();
    if (refreshed.policy.ok() && *refreshed.policy == Change::kNew) ++swaps;
  }
  stops = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(swaps, kSwaps);
  EXPECT_EQ(file->Current()->generation(), 1U + kSwaps);
  for (const Judge& judge : judges) {
    EXPECT_EQ(judge.mixed(), 0);
    EXPECT_GT(judge.calls(), 0);
  }
}

}  // namespace
}  // namespace gateway
