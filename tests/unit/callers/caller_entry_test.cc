#include "service/callers/caller_entry.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gateway {
namespace {

constexpr std::string_view kId = "0a1b2c3d-0000-4000-8000-00000000000f";
constexpr std::string_view kOtherId = "0a1b2c3d-0000-4000-8000-000000000001";

CallerEntry EntryFor(std::vector<std::string> products) {
  CallerEntry entry;
  entry.products = std::move(products);
  return entry;
}

TEST(CallerEntryTest, WithoutAListEveryProductIsAllowed) {
  EXPECT_TRUE(CallerEntry().Allows("forexo_basic", kId));
  EXPECT_TRUE(CallerEntry().Allows("", kId));
}

TEST(CallerEntryTest, AnAliasHasToBeListed) {
  const CallerEntry entry = EntryFor({"forexo_basic"});
  EXPECT_TRUE(entry.Allows("forexo_basic", ""));
  EXPECT_FALSE(entry.Allows("forexo", ""));
  EXPECT_FALSE(entry.Allows("FOREXO_BASIC", ""));
}

TEST(CallerEntryTest, AnIdHasToBeListedAndIsComparedInLowerCase) {
  const CallerEntry entry = EntryFor({std::string(kId)});
  EXPECT_TRUE(entry.Allows("", kId));
  EXPECT_TRUE(entry.Allows("", "0A1B2C3D-0000-4000-8000-00000000000F"));
  EXPECT_FALSE(entry.Allows("", kOtherId));
}

TEST(CallerEntryTest, AnAliasDoesNotVouchForTheIdBesideIt) {
  const CallerEntry entry = EntryFor({"forexo_basic", std::string(kId)});
  EXPECT_TRUE(entry.Allows("forexo_basic", kId));
  EXPECT_FALSE(entry.Allows("forexo_basic", kOtherId));
  EXPECT_FALSE(entry.Allows("other_product", kId));
}

TEST(CallerEntryTest, NoProductIsNoneOfTheList) {
  EXPECT_FALSE(EntryFor({"forexo_basic"}).Allows("", ""));
}

}  // namespace
}  // namespace gateway
