#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "service/passfort/mapping/product_application_json.h"
#include "tests/unit/passfort/generated_json.h"

namespace gateway {
namespace {

using nlohmann::json;

// A tenth where every step is checked by a sanitizer.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr uint64_t kCases = 1'000;
#else
constexpr uint64_t kCases = 10'000;
#endif

// --gtest_random_seed=N takes other cases; the seed of a failed one is printed with it.
uint64_t FirstSeed() { return static_cast<uint64_t>(GTEST_FLAG_GET(random_seed)) * 1'000'000; }

std::string EtagOf(const std::string& text) {
  const auto application = ReadProductApplication(text);
  return application ? application->etag() : "no application";
}

class Author {
 public:
  explicit Author(uint64_t seed) : random_(seed), generated_(seed) {}

  json Application() { return generated_.Application(); }

  // With members and items in any order, and members that are null left out or in.
  std::string Shuffled(const json& value) {
    std::vector<std::string> parts;
    if (value.is_object()) {
      for (const auto& [name, member] : value.items()) {
        if (member.is_null() && Happens()) continue;
        parts.push_back(absl::StrCat(generated_.Text(name), ":", Shuffled(member)));
      }
      if (Happens()) parts.push_back(R"("never sent": null)");
    } else if (value.is_array()) {
      for (const json& item : value) parts.push_back(Shuffled(item));
    } else {
      return generated_.Text(value);
    }
    std::shuffle(parts.begin(), parts.end(), random_);
    const std::string inside = absl::StrJoin(parts, ",");
    return value.is_object() ? absl::StrCat("{", inside, "}") : absl::StrCat("[", inside, "]");
  }

  // With one thing else than before.
  json Changed(json application) {
    std::vector<json*> places;
    Collect(application, places);
    json& place = *places[random_() % places.size()];
    if (place.is_structured() && !place.empty() && &place != &application && Happens()) {
      RemoveOne(place);
    } else if (place.is_object()) {
      place["added"] = 1;
    } else if (place.is_array()) {
      place.push_back(place.empty() ? json("added") : place[random_() % place.size()]);
    } else {
      place = "changed";
    }
    return application;
  }

 private:
  bool Happens() { return random_() % 2 == 0; }

  static void Collect(json& value, std::vector<json*>& places) {
    places.push_back(&value);
    if (!value.is_structured()) return;
    for (json& inner : value) Collect(inner, places);
  }

  // A member that is null is as good as none, so another one goes.
  void RemoveOne(json& place) {
    if (place.is_array()) {
      place.erase(random_() % place.size());
      return;
    }
    for (auto member = place.begin(); member != place.end(); ++member) {
      if (member->is_null()) continue;
      place.erase(member);
      return;
    }
    place["added"] = 1;
  }

  std::mt19937_64 random_;
  GeneratedJson generated_;
};

TEST(EtagPropertyTest, IsTheSameInWhateverOrderPassfortSaysTheSame) {
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + kCases; ++seed) {
    Author author(seed);
    const json application = author.Application();
    const std::string one = author.Shuffled(application);
    const std::string other = author.Shuffled(application);
    ASSERT_EQ(EtagOf(one), EtagOf(other)) << "seed " << seed << "\n" << one << "\n" << other;
  }
}

TEST(EtagPropertyTest, IsAnotherOneAfterAnySingleChange) {
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + kCases; ++seed) {
    Author author(seed);
    const json application = author.Application();
    const std::string before = author.Shuffled(application);
    const std::string after = author.Shuffled(author.Changed(application));
    ASSERT_NE(EtagOf(before), EtagOf(after)) << "seed " << seed << "\n" << before << "\n" << after;
  }
}

TEST(EtagTest, IsTwentyTwoCharactersThatAnyReplicaComputesAlike) {
  EXPECT_EQ(EtagOf(R"({"id": "a"})"), EtagOf(R"( {"id" : "\u0061"} )"));
  EXPECT_EQ(EtagOf(R"({"id": "a"})"), "0zbkuHD_JxnRb1PM0xmE-g");
}

TEST(EtagTest, TakesNumbersForTheirValues) {
  EXPECT_EQ(EtagOf(R"({"id": "a", "n": 1})"), EtagOf(R"({"id": "a", "n": 1.0})"));
  EXPECT_EQ(EtagOf(R"({"id": "a", "n": 100})"), EtagOf(R"({"id": "a", "n": 1e2})"));
  EXPECT_NE(EtagOf(R"({"id": "a", "n": 1})"), EtagOf(R"({"id": "a", "n": "1"})"));
  EXPECT_NE(EtagOf(R"({"id": "a", "n": 9007199254740993})"),
            EtagOf(R"({"id": "a", "n": 9007199254740992})"));
}

TEST(EtagTest, TellsFalseAndEmptyFromAbsentAndNullNot) {
  EXPECT_EQ(EtagOf(R"({"id": "a", "hidden": null})"), EtagOf(R"({"id": "a"})"));
  EXPECT_NE(EtagOf(R"({"id": "a", "hidden": false})"), EtagOf(R"({"id": "a"})"));
  EXPECT_NE(EtagOf(R"({"id": "a", "history": []})"), EtagOf(R"({"id": "a"})"));
}

TEST(EtagTest, TellsLongTextsByAllOfTheirBytes) {
  const auto with = [](const std::string& text) {
    return EtagOf(R"({"id": "a", "name": ")" + text + "\"}");
  };
  const std::string long_text(100'000, 'a');
  EXPECT_EQ(with(long_text), with("\\u0061" + long_text.substr(1)));
  EXPECT_NE(with(long_text), with(long_text.substr(1) + "b"));
  EXPECT_NE(with(long_text), with(long_text + "a"));
}

TEST(EtagTest, CountsEqualItemsOfAList) {
  EXPECT_NE(EtagOf(R"({"id": "a", "x": [1]})"), EtagOf(R"({"id": "a", "x": [1, 1]})"));
  EXPECT_NE(EtagOf(R"({"id": "a", "x": [1, [2]]})"), EtagOf(R"({"id": "a", "x": [[1], 2]})"));
}

// Of a member that is there twice the last one counts, in an etag too.
TEST(EtagTest, TakesTheLastOfDuplicateKeys) {
  EXPECT_EQ(EtagOf(R"({"id": "b", "id": "a"})"), EtagOf(R"({"id": "a"})"));
  EXPECT_EQ(EtagOf(R"({"id": "a", "x": {"y": 1, "y": 2}})"),
            EtagOf(R"({"id": "a", "x": {"y": 2}})"));
}

}  // namespace
}  // namespace gateway
