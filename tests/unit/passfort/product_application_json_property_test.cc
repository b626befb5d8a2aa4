#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

#include "passfort/gateway/v1/product_application_service.pb.h"
#include "service/json/json_reader.h"
#include "service/passfort/mapping/product_application_json.h"
#include "service/passfort/mapping/resource_reading.h"
#include "tests/unit/passfort/generated_json.h"
#include "tests/unit/passfort/rebuilt_application.h"

namespace gateway {
namespace {

using nlohmann::json;

// A tenth where every step is checked by a sanitizer.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr uint64_t kCases = 2'000;
#else
constexpr uint64_t kCases = 20'000;
#endif

// --gtest_random_seed=N takes other cases; the seed of a failed one is printed with it.
uint64_t FirstSeed() { return static_cast<uint64_t>(GTEST_FLAG_GET(random_seed)) * 1'000'000; }

template <typename Message>
std::optional<Message> WholeOf(const std::string& text) {
  ResourceReading<Message> reading(text, kMaxJsonValuesOfList);
  while (!reading.ReadPiece()) {
  }
  return reading.TakeResult();
}

TEST(ProductApplicationJsonPropertyTest, TypedFieldsAndUnmappedRebuildTheJson) {
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + kCases; ++seed) {
    GeneratedJson generated(seed);
    const json original = generated.Application();
    const std::string text = generated.Text(original);
    const auto read = ReadJson(text);
    ASSERT_EQ(read, original) << "seed " << seed << ": " << text;

    const auto application = ReadProductApplication(text);

    ASSERT_TRUE(application.has_value()) << "seed " << seed << ": " << text;
    ASSERT_EQ(BrokenPromise(original, *application), "") << "seed " << seed << ": " << text;
  }
}

TEST(ProfilePropertyTest, TypedFieldsAndUnmappedRebuildTheJson) {
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + kCases / 4; ++seed) {
    GeneratedJson generated(seed);
    const json original = generated.Profile();
    const std::string text = generated.Text(original);
    ASSERT_EQ(ReadJson(text), original) << "seed " << seed << ": " << text;

    const auto profile = WholeOf<pb::Profile>(text);

    ASSERT_TRUE(profile.has_value()) << "seed " << seed << ": " << text;
    ASSERT_EQ(BrokenPromise(original, *profile), "") << "seed " << seed << ": " << text;
  }
}

TEST(ApplicationListPropertyTest, TypedFieldsAndUnmappedRebuildEachItemInItsPlace) {
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + kCases / 4; ++seed) {
    GeneratedJson generated(seed);
    const json original = generated.Applications();
    const std::string text = generated.Text(original);

    const auto list = WholeOf<pb::ListProductApplicationsResponse>(text);

    ASSERT_TRUE(list.has_value()) << "seed " << seed << ": " << text;
    ASSERT_EQ(list->product_applications_size(), original.size()) << "seed " << seed;
    for (int i = 0; i < list->product_applications_size(); ++i) {
      ASSERT_EQ(BrokenPromise(original[static_cast<size_t>(i)], list->product_applications(i)), "")
          << "seed " << seed << ", item " << i << ": " << text;
      // A list and a single answer are read alike.
      const auto alone = ReadProductApplication(generated.Text(original[static_cast<size_t>(i)]));
      ASSERT_TRUE(google::protobuf::util::MessageDifferencer::Equals(
          alone.value_or(pb::ProductApplication()), list->product_applications(i)))
          << "seed " << seed << ", item " << i << ": " << text;
    }
  }
}

// The limits of clients' parsers: 100 nested messages, UTF-8 in every string.
TEST(ProductApplicationJsonPropertyTest, EveryAnswerCanBeReadByAClient) {
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + kCases / 4; ++seed) {
    GeneratedJson generated(seed);
    const auto application = ReadProductApplication(generated.Text(generated.Application()));
    ASSERT_TRUE(application.has_value()) << "seed " << seed;
    pb::AddProductApplicationResponse response;
    *response.mutable_product_application() = *application;

    pb::AddProductApplicationResponse received;
    ASSERT_TRUE(received.ParseFromString(response.SerializeAsString())) << "seed " << seed;
    ASSERT_TRUE(google::protobuf::util::MessageDifferencer::Equals(received, response))
        << "seed " << seed;

    const auto profile = WholeOf<pb::Profile>(generated.Text(generated.Profile()));
    ASSERT_TRUE(profile.has_value()) << "seed " << seed;
    pb::Profile received_profile;
    ASSERT_TRUE(received_profile.ParseFromString(profile->SerializeAsString())) << "seed " << seed;
  }
}

}  // namespace
}  // namespace gateway
