#ifndef SERVICE_CONFIG_SETTING_VALUE_H_
#define SERVICE_CONFIG_SETTING_VALUE_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "service/config/settings.h"

namespace gateway {

// Reads `text` into the member of `config` that `setting` fills. The error is a sentence on
// setting, value, `source` ("--x_y" or "PASSFORT_GATEWAY_X_Y") and range. A value that may hold a
// secret is left out of it.
absl::Status SetValue(const Setting& setting, std::string_view text, std::string_view source,
                      GatewayConfig& config);

// What the value of a setting of this kind is called in the help: "DURATION", "on|off", ...
std::string_view Placeholder(const SettingKind& kind);

// The values that are taken, in words: "10ms to 5m".
std::string RangeOf(const SettingKind& kind);

// As one would write it: "65s", "250ms", "5m".
std::string DurationText(std::chrono::milliseconds duration);

// "on" and "true", "off" and "false".
bool IsSwitchWord(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_CONFIG_SETTING_VALUE_H_
