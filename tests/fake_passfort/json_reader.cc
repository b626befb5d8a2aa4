#include "tests/fake_passfort/json_reader.h"

#include <charconv>
#include <cstdint>

namespace gateway {

std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  constexpr double kMaxMilliseconds = 24 * 3600 * 1000.0;
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  const std::string_view unit(rest, static_cast<size_t>(end - rest));
  if (unit != "ms" && unit != "s") return std::nullopt;
  const double milliseconds = unit == "s" ? number * 1000 : number;
  if (!(milliseconds >= 0 && milliseconds <= kMaxMilliseconds)) return std::nullopt;
  return std::chrono::milliseconds(static_cast<int64_t>(milliseconds));
}

}  // namespace gateway
