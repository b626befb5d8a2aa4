#include "service/json/json_number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace gateway {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The parts of a number in JSON's grammar. The views are into its word.
struct Parts {
  bool is_negative = false;
  std::string_view whole;
  std::string_view fraction;
  std::string_view exponent;  // with its sign
  bool is_integer = true;     // neither fraction nor exponent
};

std::string_view TakeDigits(std::string_view& rest) {
  const auto end = std::ranges::find_if_not(rest, IsDigit);
  const auto digits = rest.substr(0, static_cast<size_t>(end - rest.begin()));
  rest.remove_prefix(digits.size());
  return digits;
}

// False if `word` is no number by the grammar of RFC 8259, section 6.
bool Split(std::string_view word, Parts& parts) {
  if (word.starts_with('-')) {
    parts.is_negative = true;
    word.remove_prefix(1);
  }
  parts.whole = TakeDigits(word);
  if (parts.whole.empty() || (parts.whole.size() > 1 && parts.whole.front() == '0')) return false;
  if (word.starts_with('.')) {
    parts.is_integer = false;
    word.remove_prefix(1);
    parts.fraction = TakeDigits(word);
    if (parts.fraction.empty()) return false;
  }
  if (word.starts_with('e') || word.starts_with('E')) {
    parts.is_integer = false;
    std::string_view rest = word.substr(1);
    const size_t sign = rest.starts_with('+') || rest.starts_with('-') ? 1 : 0;
    parts.exponent = rest;
    rest.remove_prefix(sign);
    if (TakeDigits(rest).empty()) return false;
    word = rest;
  }
  return word.empty();
}

// A positive decimal: 0.DIGITS times ten to the power of `exponent`, where DIGITS neither begin nor
// end with a zero. Empty for zero.
struct Decimal {
  std::string digits;
  int64_t exponent = 0;

  friend bool operator==(const Decimal&, const Decimal&) = default;
};

Decimal DecimalOf(const Parts& parts) {
  Decimal decimal;
  decimal.digits.reserve(parts.whole.size() + parts.fraction.size());
  decimal.digits.append(parts.whole).append(parts.fraction);
  const size_t first = std::min(decimal.digits.find_first_not_of('0'), decimal.digits.size());
  decimal.digits.erase(0, first);
  decimal.digits.resize(decimal.digits.find_last_not_of('0') + 1);
  std::string_view exponent = parts.exponent;
  if (exponent.starts_with('+')) exponent.remove_prefix(1);
  int64_t power = 0;
  // Whatever is out of range here was too far out for a double, too, unless the digits are zero.
  std::from_chars(exponent.data(), exponent.data() + exponent.size(), power);
  decimal.exponent = power + static_cast<int64_t>(parts.whole.size()) - static_cast<int64_t>(first);
  return decimal;
}

// Any decimal of so few digits, that far from a double's limits, is what its double prints.
constexpr size_t kSafeDigits = std::numeric_limits<double>::digits10;
constexpr int64_t kSafeExponent = 290;

// What a double prints is the shortest decimal that reads as the same double.
bool PrintsBack(double number, const Parts& parts) {
  const Decimal sent = DecimalOf(parts);
  if (sent.digits.size() <= kSafeDigits && std::abs(sent.exponent) <= kSafeExponent) return true;
  char shortest[64];
  const auto printed = std::to_chars(std::begin(shortest), std::end(shortest), std::abs(number),
                                     std::chars_format::scientific);
  Parts printed_parts;
  Split({shortest, static_cast<size_t>(printed.ptr - shortest)}, printed_parts);
  return DecimalOf(printed_parts) == sent;
}

bool HasZerosOnly(const Parts& parts) {
  const auto has_zeros_only = [](std::string_view digits) {
    return digits.find_first_not_of('0') == std::string_view::npos;
  };
  return has_zeros_only(parts.whole) && has_zeros_only(parts.fraction);
}

// Nothing if it is too large or too small, or does not print back.
std::optional<double> DoubleOf(std::string_view word, const Parts& parts) {
  double number = 0;
  const auto read = std::from_chars(word.data(), word.data() + word.size(), number);
  if (read.ec != std::errc() || number == 0 || !std::isfinite(number)) return std::nullopt;
  return PrintsBack(number, parts) ? std::optional(number) : std::nullopt;
}

}  // namespace

JsonScalar ReadJsonNumber(std::string_view word) {
  Parts parts;
  if (!Split(word, parts)) return OddWord{word};
  const bool is_zero = HasZerosOnly(parts);
  if (is_zero) return parts.is_negative ? JsonScalar(NumberText{word}) : JsonScalar(uint64_t{0});
  const char* const end = word.data() + word.size();
  if (parts.is_integer) {
    int64_t negative = 0;
    uint64_t positive = 0;
    if (parts.is_negative && std::from_chars(word.data(), end, negative).ec == std::errc()) {
      return negative;
    }
    if (!parts.is_negative && std::from_chars(word.data(), end, positive).ec == std::errc()) {
      return positive;
    }
  }
  const std::optional<double> number = DoubleOf(word, parts);
  return number ? JsonScalar(*number) : JsonScalar(NumberText{word});
}

std::optional<double> DoubleOfInteger(std::string_view digits) {
  Parts parts;
  return Split(digits, parts) ? DoubleOf(digits, parts) : std::nullopt;
}

}  // namespace gateway
