#include "service/callers/callers_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

namespace gateway {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Optional;
using Change = CallersFile::Change;

// A file with one caller of this name and principal, and these limits.
std::string OneCaller(std::string_view name, int64_t calls_per_minute,
                      std::string_view default_entry = "null") {
  return MessageText(R"({"callers": [{"name": ")", name, R"(", "principals": ["anna"], )",
                     R"("max_in_flight": 2, "calls_per_minute": )", calls_per_minute,
                     R"(}], "default": )", default_entry, "}");
}

class CallersFileTest : public testing::Test {
 protected:
  // As tools that do it well: the new file is complete before it has the name.
  static void Write(const std::string& path, std::string_view text) {
    const std::string draft = path + ".draft";
    std::ofstream(draft, std::ios::binary) << text;
    fs::permissions(draft, fs::perms(0644));
    fs::rename(draft, path);
  }

  absl::StatusOr<std::unique_ptr<CallersFile>> Open() const {
    return CallersFile::Open(path_, {.max_in_flight = 100, .has_store = true});
  }
  std::unique_ptr<CallersFile> OpenWith(std::string_view text) const {
    Write(path_, text);
    auto file = Open();
    EXPECT_TRUE(file.ok()) << file.status();
    return *std::move(file);
  }
  void Replace(CallersFile& file, std::string_view text) const {
    Write(path_, text);
    const auto refreshed = file.Refresh();
    ASSERT_TRUE(refreshed.ok()) << refreshed.status();
    ASSERT_EQ(*refreshed, Change::kNew);
  }

  const TemporaryFolder folder_;
  const std::string path_ = folder_.File("callers.json");
};

TEST_F(CallersFileTest, ABadFirstVersionIsAnErrorWithPathAndPlace) {
  Write(path_, "{\n  \"caller\": 1}");
  EXPECT_THAT(std::string(Open().status().message()),
              AllOf(HasSubstr("callers file " + path_),
                    HasSubstr("line 2, column 3: unknown member \"caller\"")));
}

TEST_F(CallersFileTest, AMissingFileIsAnError) {
  EXPECT_THAT(std::string(Open().status().message()),
              AllOf(HasSubstr(path_), HasSubstr("No such file")));
}

TEST_F(CallersFileTest, AFileThatOthersCanWriteIsAnError) {
  Write(path_, OneCaller("a", 1));
  for (const int mode : {0664, 0646}) {
    fs::permissions(path_, fs::perms(mode));
    EXPECT_THAT(std::string(Open().status().message()), HasSubstr("chmod go-w"));
  }
  fs::permissions(path_, fs::perms(0444));
  EXPECT_TRUE(Open().ok());
}

TEST_F(CallersFileTest, FindsTheEntryOfEachPrincipalAndNoneForOthers) {
  const auto file = OpenWith(R"({"callers": [
    {"name": "a", "principals": ["anna", "spiffe://example.org/anna"]},
    {"name": "b", "principals": ["bert"]}], "default": null})");
  ASSERT_NE(file->Find("anna"), nullptr);
  EXPECT_EQ(file->Find("anna")->name, "a");
  EXPECT_EQ(file->Find("spiffe://example.org/anna"), file->Find("anna"));
  ASSERT_NE(file->Find("bert"), nullptr);
  EXPECT_EQ(file->Find("bert")->name, "b");
  for (const std::string_view nobody : {"", "ann", "annaa", "ANNA", "spiffe://example.org/ann"}) {
    EXPECT_EQ(file->Find(nobody), nullptr) << nobody;
  }
}

TEST_F(CallersFileTest, AllWithoutAnEntryShareTheDefault) {
  const auto file = OpenWith(OneCaller("a", 1, R"({"calls_per_minute": 7})"));
  const auto other = file->Find("bert");
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(other->name, kDefaultCaller);
  EXPECT_THAT(other->calls_per_minute, Optional(7));
  EXPECT_EQ(file->Find("carl"), other);
  EXPECT_EQ(file->Find("anna")->name, "a");
}

TEST_F(CallersFileTest, ANewVersionIsInForceAfterRefresh) {
  const auto file = OpenWith(OneCaller("a", 1));
  const std::string old_digest = file->digest();
  Write(path_, OneCaller("a", 2));
  EXPECT_THAT(file->Find("anna")->calls_per_minute, Optional(1));
  EXPECT_EQ(*file->Refresh(), Change::kNew);
  EXPECT_THAT(file->Find("anna")->calls_per_minute, Optional(2));
  EXPECT_EQ(file->generation(), 2U);
  EXPECT_NE(file->digest(), old_digest);
  EXPECT_EQ(*file->Refresh(), Change::kSame);
  EXPECT_EQ(file->generation(), 2U);
}

TEST_F(CallersFileTest, TheDigestIsThatOfSha256sum) {
  const auto file = OpenWith(R"({"callers": [], "default": {}})");
  EXPECT_EQ(file->digest(), "ce819e3678cec22a");
}

TEST_F(CallersFileTest, TheSameTextIsNoNewVersion) {
  const auto file = OpenWith(OneCaller("a", 1));
  const auto entry = file->Find("anna");
  Write(path_, OneCaller("a", 1));
  EXPECT_EQ(*file->Refresh(), Change::kSame);
  EXPECT_EQ(file->Find("anna"), entry);
  EXPECT_EQ(file->generation(), 1U);
}

TEST_F(CallersFileTest, ABadLaterVersionIsReportedOnceAndTheOldOneStays) {
  const auto file = OpenWith(OneCaller("a", 1));
  Write(path_, "{");
  EXPECT_THAT(std::string(file->Refresh().status().message()),
              AllOf(HasSubstr(path_), HasSubstr("line 1, column 2")));
  EXPECT_EQ(*file->Refresh(), Change::kSame);
  EXPECT_EQ(file->Find("anna")->name, "a");
  EXPECT_EQ(file->generation(), 1U);

  Write(path_, "[]");  // another failure
  EXPECT_FALSE(file->Refresh().ok());

  Write(path_, OneCaller("a", 1));
  EXPECT_EQ(*file->Refresh(), Change::kSame);
  Write(path_, "[]");  // the same failure, after a success
  EXPECT_FALSE(file->Refresh().ok());

  Write(path_, OneCaller("b", 1));
  EXPECT_EQ(*file->Refresh(), Change::kNew);
  EXPECT_EQ(file->Find("anna")->name, "b");
  EXPECT_EQ(file->generation(), 2U);
}

TEST_F(CallersFileTest, AFileThatIsGoneIsReportedAndStays) {
  const auto file = OpenWith(OneCaller("a", 1));
  fs::remove(path_);
  EXPECT_FALSE(file->Refresh().ok());
  EXPECT_EQ(*file->Refresh(), Change::kSame);
  EXPECT_NE(file->Find("anna"), nullptr);
}

TEST_F(CallersFileTest, AFileThatOthersCanWriteFromNowOnIsReported) {
  const auto file = OpenWith(OneCaller("a", 1));
  fs::permissions(path_, fs::perms(0666));
  EXPECT_THAT(std::string(file->Refresh().status().message()), HasSubstr("chmod go-w"));
  fs::permissions(path_, fs::perms(0644));
  EXPECT_EQ(*file->Refresh(), Change::kSame);
}

TEST_F(CallersFileTest, ANewVersionChangesLimitsAndKeepsWhatIsUsed) {
  const auto file = OpenWith(OneCaller("a", 1, "{}"));
  const auto before = file->Find("anna");
  const auto other_before = file->Find("bert");
  const auto place = CallerUsage::TryTakePlace(before->usage, before->max_in_flight);
  ASSERT_EQ(before->usage->TryCountCall(1, SteadyTime()), std::nullopt);

  Replace(*file, OneCaller("a", 2, R"({"request_id": "required"})"));

  const auto after = file->Find("anna");
  EXPECT_NE(after, before);
  EXPECT_EQ(after->usage, before->usage);
  EXPECT_EQ(after->usage->places(), 1U);
  EXPECT_NE(after->usage->TryCountCall(1, SteadyTime()), std::nullopt);
  EXPECT_EQ(file->Find("bert")->usage, other_before->usage);
  EXPECT_TRUE(file->Find("bert")->needs_request_id);
  // An old call still has the old limits.
  EXPECT_THAT(before->calls_per_minute, Optional(1));
}

TEST_F(CallersFileTest, ABadVersionKeepsWhatIsUsed) {
  const auto file = OpenWith(OneCaller("a", 1));
  const auto usage = file->Find("anna")->usage;
  Write(path_, OneCaller("a", 0));
  ASSERT_FALSE(file->Refresh().ok());
  EXPECT_EQ(file->Find("anna")->usage, usage);
  Replace(*file, OneCaller("a", 3));
  EXPECT_EQ(file->Find("anna")->usage, usage);
}

TEST_F(CallersFileTest, AnotherNameIsAnotherCaller) {
  const auto file = OpenWith(OneCaller("a", 1));
  const auto usage = file->Find("anna")->usage;
  Replace(*file, OneCaller("b", 1));
  EXPECT_NE(file->Find("anna")->usage, usage);
}

TEST_F(CallersFileTest, APrincipalThatMovesToAnotherEntryUsesThat) {
  const auto file = OpenWith(R"({"callers": [{"name": "a", "principals": ["anna"]},
                                             {"name": "b", "principals": ["bert"]}],
                                 "default": null})");
  const auto usage = file->Find("bert")->usage;
  Replace(*file, R"({"callers": [{"name": "a", "principals": ["alba"]},
                                 {"name": "b", "principals": ["bert", "anna"]}],
                     "default": null})");
  EXPECT_EQ(file->Find("anna")->usage, usage);
  EXPECT_NE(file->Find("alba")->usage, usage);
}

TEST_F(CallersFileTest, ANameThatIsGoneKeepsItsUsageUntilTheLastPlaceIsGivenBack) {
  const auto file = OpenWith(OneCaller("a", 1));
  const std::weak_ptr<CallerUsage> usage = file->Find("anna")->usage;
  auto place = CallerUsage::TryTakePlace(usage.lock(), 2);

  Replace(*file, OneCaller("b", 1));
  EXPECT_FALSE(usage.expired());
  Replace(*file, OneCaller("a", 1));  // the name is back while the place is held
  EXPECT_EQ(file->Find("anna")->usage, usage.lock());
  EXPECT_EQ(file->Find("anna")->usage->places(), 1U);

  Replace(*file, OneCaller("b", 1));
  place.reset();
  EXPECT_TRUE(usage.expired());
  Replace(*file, OneCaller("a", 1));
  EXPECT_EQ(file->Find("anna")->usage->places(), 0U);
}

TEST_F(CallersFileTest, ADefaultThatGoesAndComesBackIsRefusedMeanwhile) {
  const auto file = OpenWith(OneCaller("a", 1, "{}"));
  const auto place = CallerUsage::TryTakePlace(file->Find("bert")->usage, 1);
  Replace(*file, OneCaller("a", 1, "null"));
  EXPECT_EQ(file->Find("bert"), nullptr);
  Replace(*file, OneCaller("a", 1, "{}"));
  EXPECT_EQ(file->Find("bert")->usage->places(), 1U);
}

// Odd versions call anna's entry "a" and have no default; even ones call it "b" and have one.
TEST_F(CallersFileTest, ThreadsFindWholeEntriesWhileVersionsChange) {
  constexpr int kSwaps = 300;
  const auto file = OpenWith(OneCaller("a", 1));
  std::atomic<bool> stops = false;
  std::atomic<int> torn = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&file = *file, &stops, &torn] {
      do {
        const auto entry = file.Find("anna");
        const int64_t expected = entry->name == "a" ? 1 : 2;
        if (entry->calls_per_minute != expected) ++torn;
        const auto place = CallerUsage::TryTakePlace(entry->usage, entry->max_in_flight);
        const auto other = file.Find("bert");
        if (other != nullptr && other->name != kDefaultCaller) ++torn;
      } while (!stops);
    });
  }
  int swaps = 0;
  for (int i = 0; i < kSwaps; ++i) {
    Write(path_, i % 2 == 0 ? OneCaller("b", 2, "{}") : OneCaller("a", 1));
    const auto refreshed = file->Refresh();
    if (refreshed.ok() && *refreshed == Change::kNew) ++swaps;
  }
  stops = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(swaps, kSwaps);
  EXPECT_EQ(file->generation(), 1U + kSwaps);
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(file->Find("anna")->usage->places(), 0U);
}

}  // namespace
}  // namespace gateway
