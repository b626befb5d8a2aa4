#include "service/passfort/mapping/json_date.h"

#include <chrono>
#include <cstdint>

namespace gateway {
namespace {

bool IsDigit(char c) { return '0' <= c && c <= '9'; }

// Takes a date apart from left to right. What it is asked for and does not find makes it fail, for
// good: ask for everything, then look at `ok()` once.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : rest_(text) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

  // True if `c` comes next, which is then taken.
  bool Take(char c) {
    if (!rest_.starts_with(c)) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }

  void Expect(char c) { ok_ = Take(c) && ok_; }

  int Digits(size_t count) {
    int number = 0;
    for (size_t i = 0; i < count; ++i) {
      if (rest_.empty() || !IsDigit(rest_.front())) {
        ok_ = false;
        return 0;
      }
      number = number * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return number;
  }

  int DigitsUpTo(int largest) {
    const int number = Digits(2);
    ok_ = ok_ && number <= largest;
    return number;
  }

  // One digit or more after the point. Digits beyond nanoseconds are dropped.
  int32_t Nanoseconds() {
    int32_t nanoseconds = Digits(1) * 100'000'000;
    for (int32_t unit = 10'000'000; !rest_.empty() && IsDigit(rest_.front()); unit /= 10) {
      nanoseconds += (rest_.front() - '0') * unit;
      rest_.remove_prefix(1);
    }
    return nanoseconds;
  }

  // hh:mm, hhmm or hh after the sign.
  std::chrono::minutes Offset() {
    const std::chrono::hours hours(DigitsUpTo(23));
    if (at_end()) {
      return hours;
    }
    Take(':');
    return hours + std::chrono::minutes(DigitsUpTo(59));
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

// 0001-01-01T00:00:00Z and the last second of 9999: the range of a Timestamp.
constexpr int64_t kFirstSecond = -62'135'596'800;
constexpr int64_t kLastSecond = 253'402'300'799;

}  // namespace

std::optional<JsonDate> ReadJsonDate(std::string_view text) {
  DateReader reader(text);
  const int year = reader.Digits(4);
  reader.Expect('-');
  const int month = reader.Digits(2);
  reader.Expect('-');
  const int day = reader.Digits(2);
  const bool has_space = reader.Take(' ');
  if (!has_space) {
    reader.Expect('T');
  }
  const std::chrono::hours hours(reader.DigitsUpTo(23));
  reader.Expect(':');
  const std::chrono::minutes minutes(reader.DigitsUpTo(59));
  reader.Expect(':');
  std::chrono::seconds time = hours + minutes + std::chrono::seconds(reader.DigitsUpTo(59));

  JsonDate date;
  date.is_plain = has_space && reader.at_end();
  if (reader.Take('.')) {
    date.instant.set_nanos(reader.Nanoseconds());
  }
  if (reader.Take('+')) {
    time -= reader.Offset();
  } else if (reader.Take('-')) {
    time += reader.Offset();
  } else {
    reader.Take('Z');
  }

  const std::chrono::year_month_day calendar_day{std::chrono::year(year),
                                                 std::chrono::month(static_cast<unsigned>(month)),
                                                 std::chrono::day(static_cast<unsigned>(day))};
  if (!reader.ok() || !reader.at_end() || !calendar_day.ok()) {
    return std::nullopt;
  }
  const std::chrono::seconds instant =
      std::chrono::sys_days(calendar_day).time_since_epoch() + time;
  if (instant.count() < kFirstSecond || instant.count() > kLastSecond) {
    return std::nullopt;
  }
  date.instant.set_seconds(instant.count());
  return date;
}

}  // namespace gateway
