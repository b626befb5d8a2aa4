#include "service/passfort/mapping/json_date.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace gateway {
namespace {

struct DateCase {
  const char* text;
  int64_t seconds;
  int32_t nanos;
  bool is_plain;
};

void ExpectIsRead(const DateCase& row) {
  SCOPED_TRACE(row.text);
  const auto date = ReadJsonDate(row.text);
  ASSERT_TRUE(date.has_value());
  EXPECT_EQ(date->instant.seconds(), row.seconds);
  EXPECT_EQ(date->instant.nanos(), row.nanos);
  EXPECT_EQ(date->is_plain, row.is_plain);
}

TEST(JsonDateTest, ReadsTheDocumentedForm) {
  constexpr DateCase kDates[] = {
      {"2024-03-11 09:26:53", 1710149213, 0, true},
      {"1970-01-01 00:00:00", 0, 0, true},
      {"1969-12-31 23:59:59", -1, 0, true},
      {"2024-02-29 12:00:00", 1709208000, 0, true},
      {"2000-02-29 00:00:00", 951782400, 0, true},
      {"0001-01-01 00:00:00", -62135596800, 0, true},
      {"9999-12-31 23:59:59", 253402300799, 0, true},
  };
  for (const DateCase& row : kDates) {
    ExpectIsRead(row);
  }
}

TEST(JsonDateTest, ReadsOtherFormsAndSaysSo) {
  constexpr DateCase kDates[] = {
      {"2024-03-11T09:26:53", 1710149213, 0, false},
      {"2024-03-11 09:26:53Z", 1710149213, 0, false},
      {"2024-03-11T09:26:53Z", 1710149213, 0, false},
      {"2024-03-11 09:26:53.000", 1710149213, 0, false},
      {"2024-03-11 09:26:53.5", 1710149213, 500'000'000, false},
      {"2024-03-11T09:26:53.123456789Z", 1710149213, 123'456'789, false},
      {"2024-03-11T09:26:53.1234567899Z", 1710149213, 123'456'789, false},
      {"1969-12-31T23:59:59.25Z", -1, 250'000'000, false},
      {"2024-03-11T10:26:53+01:00", 1710149213, 0, false},
      {"2024-03-11T05:56:53-0330", 1710149213, 0, false},
      {"2024-03-11 09:26:53+00", 1710149213, 0, false},
      {"2024-03-12T00:26:53.25+15:00", 1710149213, 250'000'000, false},
  };
  for (const DateCase& row : kDates) {
    ExpectIsRead(row);
  }
}

TEST(JsonDateTest, IsNothingForTextThatIsNoDate) {
  constexpr const char* kTexts[] = {
      "", "yesterday", "2024-03-11", "2024-03-11 ", "2024-03-11 09:26", "2024-03-11 09:26:5",
      "2024-3-11 09:26:53", "24-03-11 09:26:53", "2024-03-11  09:26:53", "2024-03-11t09:26:53",
      "2024-03-11T09:26:53z", "2024/03/11 09:26:53", "2024-03-11 09.26.53", " 2024-03-11 09:26:53",
      "2024-03-11 09:26:53 ", "+2024-03-11 09:26:53", "2024-03-1a 09:26:53",
      // no such day or time
      "2024-02-30 00:00:00", "2023-02-29 00:00:00", "1900-02-29 00:00:00", "2024-04-31 00:00:00",
      "2024-00-01 00:00:00", "2024-13-01 00:00:00", "2024-01-00 00:00:00", "2024-03-11 24:00:00",
      "2024-03-11 09:60:00", "2024-03-11 09:26:60", "2016-12-31T23:59:60Z",
      // outside a Timestamp
      "0000-01-01 00:00:00", "0000-12-31 23:59:59", "0001-01-01T00:00:00+00:01",
      "9999-12-31T23:59:59-00:01", "10000-01-01 00:00:00",
      // broken fraction or zone
      "2024-03-11 09:26:53.", "2024-03-11 09:26:53.Z", "2024-03-11 09:26:53,5",
      "2024-03-11 09:26:53.5.5", "2024-03-11 09:26:53ZZ", "2024-03-11 09:26:53+",
      "2024-03-11 09:26:53+1", "2024-03-11 09:26:53+01:", "2024-03-11 09:26:53+01:0",
      "2024-03-11 09:26:53+24:00", "2024-03-11 09:26:53+01:60", "2024-03-11 09:26:53+01:00Z",
      "2024-03-11 09:26:53 +01:00", "2024-03-11 09:26:53Z+01:00"};
  for (const char* text : kTexts) {
    EXPECT_FALSE(ReadJsonDate(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace gateway
