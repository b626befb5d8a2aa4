#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "service/callers/callers_file.h"
#include "service/callers/callers_reader.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/callers/callers_oracle.h"

namespace gateway {
namespace {

using nlohmann::json;

constexpr CallersLimits kLimits{.max_in_flight = 9, .has_store = true};

constexpr std::string_view kPrincipals[] = {"a", "ab", "b", "ba", "spiffe://a/b", "spiffe://a/B"};
constexpr std::string_view kProducts[] = {"basic", "Basic", "premium",
                                          "0a1b2c3d-0000-4000-8000-00000000000f",
                                          "0A1B2C3D-0000-4000-8000-00000000000F"};

// Files of few short texts, so that some name, principal or product is there twice now and then.
class RandomFiles {
 public:
  explicit RandomFiles(unsigned seed) : random_(seed) {}

  size_t Below(size_t bound) {
    return std::uniform_int_distribution<size_t>(0, bound - 1)(random_);
  }
  bool Once(size_t in) { return Below(in) == 0; }

  json File() {
    json callers = json::array();
    // Principals of their own for each, but for one in a while.
    std::vector<std::string> principals(std::begin(kPrincipals), std::end(kPrincipals));
    std::shuffle(principals.begin(), principals.end(), random_);
    for (size_t i = Below(4); i > 0; --i) {
      json caller = Limits();
      caller["name"] = Once(20) ? "same" : "caller-" + std::to_string(i);
      caller["principals"] = {principals[i]};
      if (Once(2)) caller["principals"].push_back(principals[Once(20) ? 1 : 0]);
      if (caller["principals"].size() == 2) principals[0] = "other-" + std::to_string(i);
      callers.push_back(std::move(caller));
    }
    return {{"callers", std::move(callers)}, {"default", Once(3) ? json() : Limits()}};
  }

 private:
  json Limits() {
    json limits = json::object();
    if (Once(3)) {
      for (size_t i = Below(2) + 1; i > 0; --i) limits["products"].push_back(OneOf(kProducts));
    }
    if (Once(3)) limits["max_in_flight"] = Below(8) + (Once(20) ? 2 : 1);
    if (Once(3)) limits["calls_per_minute"] = Below(1'000'000) + 1;
    if (Once(3)) limits["writes_per_day"] = Once(20) ? 0 : Below(1'000'000'000) + 1;
    if (Once(3)) limits["request_id"] = Once(2) ? "required" : "optional";
    return limits;
  }

  template <typename Texts>
  std::string OneOf(const Texts& texts) {
    return std::string(texts[Below(std::size(texts))]);
  }

  std::mt19937 random_;
};

void ExpectSameEntries(const CallersFile& file, const CallersOracle& oracle,
                       const std::string& text) {
  for (const std::string_view known : kPrincipals) {
    for (const std::string& principal : {std::string(known), std::string(known) + "x"}) {
      ASSERT_EQ(AsJson(file.Find(principal).get()), oracle.Find(principal)) << text << "\n"
                                                                            << principal;
    }
  }
}

// By name, of those that the principals find.
std::map<std::string, std::shared_ptr<CallerUsage>> UsagesOf(const CallersFile& file) {
  std::map<std::string, std::shared_ptr<CallerUsage>> usages;
  for (const std::string_view principal : kPrincipals) {
    if (const auto entry = file.Find(principal)) usages.emplace(entry->name, entry->usage);
  }
  return usages;
}

// One file through many versions, good and bad.
TEST(CallersPropertyTest, EveryVersionGivesEachCallerWhatTheOracleSays) {
  RandomFiles random(1);
  const TemporaryFolder folder;
  const std::string path = folder.File("callers.json");
  const auto write = [&path](const std::string& text) {
    std::ofstream(path + ".draft") << text;
    std::filesystem::permissions(path + ".draft", std::filesystem::perms(0600));
    std::filesystem::rename(path + ".draft", path);
  };
  std::string text = R"({"callers": [], "default": {}})";
  write(text);
  const auto file = CallersFile::Open(
      path, {.max_in_flight = kLimits.max_in_flight, .has_store = kLimits.has_store});
  ASSERT_TRUE(file.ok()) << file.status();
  std::string text_in_force = text;
  std::optional<CallersOracle> in_force = CallersOracle::Read(text, kLimits);

  int accepted = 0;
  int kept = 0;
  for (int i = 0; i < 1'000; ++i) {
    text = random.File().dump(1);
    const auto oracle = CallersOracle::Read(text, kLimits);
    const auto usages = UsagesOf(**file);
    write(text);
    const auto refreshed = (*file)->Refresh();
    // An error that was the last one too is not told again.
    const bool is_new = refreshed.ok() && *refreshed == CallersFile::Change::kNew;
    const bool is_same = text == text_in_force;
    ASSERT_EQ(is_new, oracle.has_value() && !is_same) << text << refreshed.status();
    if (oracle.has_value()) {
      text_in_force = text;
      in_force = oracle;
      ++accepted;
    }
    ASSERT_NO_FATAL_FAILURE(ExpectSameEntries(**file, *in_force, text));
    for (const auto& [name, usage] : UsagesOf(**file)) {
      const auto before = usages.find(name);
      if (before == usages.end()) continue;
      ASSERT_EQ(usage, before->second) << name;
      ++kept;
    }
  }
  EXPECT_GT(accepted, 300);
  EXPECT_LT(accepted, 950);
  EXPECT_GT(kept, 300);
}

TEST(CallersPropertyTest, BrokenFilesAreTakenOnlyIfTheOracleTakesThem) {
  RandomFiles random(2);
  constexpr std::string_view kPieces[] = {
      "\"", "-",  ",", ":", "{", "}",    "[",    "]",
      "\\", "\n", "0", "x", "",  "\xC3", "null", "\"name\": \"p\","};
  for (int i = 0; i < 10'000; ++i) {
    std::string text = random.File().dump();
    for (size_t changes = random.Below(3) + 1; changes > 0 && !text.empty(); --changes) {
      text.replace(random.Below(text.size()), random.Below(3),
                   kPieces[random.Below(std::size(kPieces))]);
    }
    const CallersLimits limits{.max_in_flight = 5, .has_store = random.Once(2)};
    const auto callers = ReadCallers(text, limits);
    ASSERT_EQ(callers.ok(), CallersOracle::Read(text, limits).has_value()) << text << "\n"
                                                                           << callers.status();
    if (!callers.ok()) {
      ASSERT_TRUE(std::string(callers.status().message()).starts_with("line ")) << text;
    }
  }
}

TEST(CallersPropertyTest, AFileThatIsCutOffAnywhereIsRefused) {
  constexpr std::string_view kText = R"({"callers": [{"name": "a", "principals": ["a", "b"],
    "products": ["p"], "max_in_flight": 2}], "default": {"request_id": "required"}})";
  ASSERT_TRUE(ReadCallers(kText, kLimits).ok());
  for (size_t size = 0; size < kText.size(); ++size) {
    EXPECT_FALSE(ReadCallers(kText.substr(0, size), kLimits).ok()) << size;
  }
}

}  // namespace
}  // namespace gateway
