#ifndef SERVICE_CONFIG_SETTINGS_H_
#define SERVICE_CONFIG_SETTINGS_H_

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"
#include "service/config/gateway_config.h"

namespace gateway {

// The kinds of settings, each with its range and with the member that it fills.

struct DurationKind {
  std::chrono::milliseconds GatewayConfig::* member;
  std::chrono::milliseconds least;
  std::chrono::milliseconds most;
};

struct CountKind {
  int64_t GatewayConfig::* member;
  int64_t least;
  int64_t most;
};

struct BytesKind {
  int64_t GatewayConfig::* member;
  int64_t least;
  int64_t most;
};

struct BoolKind {
  bool GatewayConfig::* member;
};

struct TextKind {
  std::string GatewayConfig::* member;
  std::string_view placeholder;  // for the help
  std::string_view range;
  // Gives the text to keep; an error says what is wrong and does not repeat the text.
  absl::StatusOr<std::string> (*read)(std::string_view text);
  // Whether a message may repeat a wrong value.
  enum class EchoValue { kUnlessSecret, kNever } echo = EchoValue::kUnlessSecret;
};

// A text that is never shown and that no flag sets.
struct SecretKind {
  std::string GatewayConfig::* member;
};

struct LogLevelKind {
  LogLevel GatewayConfig::* member;
};

using SettingKind =
    std::variant<DurationKind, CountKind, BytesKind, BoolKind, TextKind, SecretKind, LogLevelKind>;

struct Setting {
  std::string_view name;
  SettingKind kind;
  std::string_view default_value;  // as one would write it; empty: none
  std::string_view help;
};

// All settings that work in this build, in the order of the help. Whatever is known about a setting
// is derived from here: flag, environment variable, reading, messages, help.
std::span<const Setting> AllSettings();

// `x_y` -> "PASSFORT_GATEWAY_X_Y"
inline constexpr std::string_view kEnvironmentPrefix = "PASSFORT_GATEWAY_";
std::string EnvironmentName(const Setting& setting);

}  // namespace gateway

#endif  // SERVICE_CONFIG_SETTINGS_H_
