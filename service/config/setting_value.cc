#include "service/config/setting_value.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace gateway {
namespace {

template <typename... Readers>
struct Overloaded : Readers... {
  using Readers::operator()...;
};

constexpr std::array<std::pair<std::string_view, LogLevel>, 5> kLogLevels = {{
    {"debug", LogLevel::kDebug},
    {"info", LogLevel::kInfo},
    {"warn", LogLevel::kWarn},
    {"error", LogLevel::kError},
    {"off", LogLevel::kOff},
}};

struct Unit {
  std::string_view name;
  int64_t size;
};

constexpr std::array<Unit, 4> kByteUnits = {{
    {"GiB", int64_t{1} << 30},
    {"MiB", int64_t{1} << 20},
    {"KiB", int64_t{1} << 10},
    {"B", 1},
}};

constexpr std::array<Unit, 4> kMillisecondUnits = {{
    {"h", 3'600'000},
    {"m", 60'000},
    {"s", 1'000},
    {"ms", 1},
}};

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

std::optional<int64_t> ReadCount(std::string_view text) {
  const bool has_only_digits = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
  int64_t count = 0;
  if (!has_only_digits || !absl::SimpleAtoi(Absl(text), &count)) return std::nullopt;
  return count;
}

std::optional<int64_t> ReadBytes(std::string_view text) {
  for (const Unit& unit : kByteUnits) {
    if (!text.ends_with(unit.name)) continue;
    const auto count = ReadCount(text.substr(0, text.size() - unit.name.size()));
    int64_t bytes = 0;
    if (!count.has_value() || __builtin_mul_overflow(*count, unit.size, &bytes)) {
      return std::nullopt;
    }
    return bytes;
  }
  return ReadCount(text);
}

std::optional<std::chrono::milliseconds> ReadDuration(std::string_view text) {
  absl::Duration duration;
  if (!absl::ParseDuration(Absl(text), &duration)) return std::nullopt;
  const absl::Duration whole = absl::Trunc(duration, absl::Milliseconds(1));
  if (whole != duration || duration == absl::InfiniteDuration()) return std::nullopt;
  return absl::ToChronoMilliseconds(duration);
}

// In the largest unit that leaves a whole number.
template <size_t kUnits>
std::string WithUnit(int64_t value, const std::array<Unit, kUnits>& units) {
  for (const Unit& unit : units) {
    if (value % unit.size == 0) return absl::StrCat(value / unit.size, Absl(unit.name));
  }
  return absl::StrCat(value);
}

std::string Between(const std::string& least, const std::string& most) {
  return absl::StrCat(least, " to ", most);
}

template <typename Value>
bool SetInRange(std::optional<Value> value, Value least, Value most, Value& member) {
  if (!value.has_value() || *value < least || *value > most) return false;
  member = *value;
  return true;
}

bool SetSwitch(std::string_view text, bool& member) {
  if (!IsSwitchWord(text)) return false;
  member = text == "on" || text == "true";
  return true;
}

bool SetLogLevel(std::string_view text, LogLevel& member) {
  for (const auto& [name, level] : kLogLevels) {
    if (text != name) continue;
    member = level;
    return true;
  }
  return false;
}

// A URL, or a list of names and values, with one of these may hold a password or a key.
bool MayHoldSecret(std::string_view text) {
  return text.find_first_of("@?#=") != std::string_view::npos;
}

bool IsNeverRepeated(const Setting& setting) {
  const auto* text = std::get_if<TextKind>(&setting.kind);
  return text != nullptr && text->echo == TextKind::EchoValue::kNever;
}

// For messages: printable, and no longer than a line.
std::string Shown(const Setting& setting, std::string_view text) {
  constexpr size_t kMost = 80;
  if (IsNeverRepeated(setting) || MayHoldSecret(text)) return "(value not shown)";
  const std::string_view start = text.substr(0, kMost);
  return absl::StrCat("\"", absl::CHexEscape(Absl(start)), "\"", text.size() > kMost ? "..." : "");
}

absl::Status WrongValue(const Setting& setting, std::string_view text, std::string_view source,
                        absl::string_view reason) {
  return absl::InvalidArgumentError(absl::StrCat(Absl(setting.name), ": ", Shown(setting, text),
                                                 " from ", Absl(source), " ", reason, "; want ",
                                                 RangeOf(setting.kind)));
}

}  // namespace

absl::Status SetValue(const Setting& setting, std::string_view text, std::string_view source,
                      GatewayConfig& config) {
  // The key is looked at where it is used.
  if (text.find_first_of("\r\n") != std::string_view::npos &&
      !std::holds_alternative<SecretKind>(setting.kind)) {
    return WrongValue(setting, text, source, "has a line break in it");
  }
  if (const auto* kind = std::get_if<TextKind>(&setting.kind)) {
    absl::StatusOr<std::string> value = kind->read(text);
    if (!value.ok()) return WrongValue(setting, text, source, value.status().message());
    config.*kind->member = *std::move(value);
    return absl::OkStatus();
  }
  const bool is_set = std::visit(
      Overloaded{
          [&](const DurationKind& kind) {
            return SetInRange(ReadDuration(text), kind.least, kind.most, config.*kind.member);
          },
          [&](const CountKind& kind) {
            return SetInRange(ReadCount(text), kind.least, kind.most, config.*kind.member);
          },
          [&](const BytesKind& kind) {
            return SetInRange(ReadBytes(text), kind.least, kind.most, config.*kind.member);
          },
          [&](const BoolKind& kind) { return SetSwitch(text, config.*kind.member); },
          [&](const LogLevelKind& kind) { return SetLogLevel(text, config.*kind.member); },
          [&](const SecretKind& kind) {
            config.*kind.member = std::string(text);
            return true;
          },
          [](const TextKind&) { return false; },
      },
      setting.kind);
  return is_set ? absl::OkStatus() : WrongValue(setting, text, source, "is not valid");
}

std::string_view Placeholder(const SettingKind& kind) {
  return std::visit(Overloaded{
                        [](const DurationKind&) -> std::string_view { return "DURATION"; },
                        [](const CountKind&) -> std::string_view { return "NUMBER"; },
                        [](const BytesKind&) -> std::string_view { return "BYTES"; },
                        [](const BoolKind&) -> std::string_view { return "on|off"; },
                        [](const TextKind& text) { return text.placeholder; },
                        [](const SecretKind&) -> std::string_view { return "KEY"; },
                        [](const LogLevelKind&) -> std::string_view { return "LEVEL"; },
                    },
                    kind);
}

std::string RangeOf(const SettingKind& kind) {
  return std::visit(Overloaded{
                        [](const DurationKind& duration) {
                          return Between(DurationText(duration.least), DurationText(duration.most));
                        },
                        [](const CountKind& count) {
                          return Between(absl::StrCat(count.least), absl::StrCat(count.most));
                        },
                        [](const BytesKind& bytes) {
                          return Between(WithUnit(bytes.least, kByteUnits),
                                         WithUnit(bytes.most, kByteUnits));
                        },
                        [](const BoolKind&) { return std::string("on or off"); },
                        [](const TextKind& text) { return std::string(text.range); },
                        [](const SecretKind&) { return std::string("printable ASCII"); },
                        [](const LogLevelKind&) {
                          std::string names;
                          for (const auto& [name, level] : kLogLevels) {
                            absl::StrAppend(&names, names.empty() ? "" : ", ", Absl(name));
                          }
                          return names;
                        },
                    },
                    kind);
}

std::string DurationText(std::chrono::milliseconds duration) {
  return WithUnit(duration.count(), kMillisecondUnits);
}

bool IsSwitchWord(std::string_view text) {
  return text == "on" || text == "true" || text == "off" || text == "false";
}

}  // namespace gateway
