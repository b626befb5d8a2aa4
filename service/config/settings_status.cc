#include "service/config/settings_status.h"

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "service/config/setting_value.h"
#include "service/config/settings.h"

namespace gateway {
namespace {

constexpr std::string_view kPath = "PATH";

GatewayConfig Defaults() {
  GatewayConfig defaults;
  for (const Setting& setting : AllSettings()) {
    if (setting.default_value.empty()) continue;
    SetValue(setting, setting.default_value, "the default", defaults).IgnoreError();
  }
  return defaults;
}

// The value of a setting as one would write it, for everybody to see.
class ShownValue {
 public:
  explicit ShownValue(const GatewayConfig& config) : config_(config) {}

  std::string operator()(const DurationKind& kind) const {
    return DurationText(config_.*kind.member);
  }
  std::string operator()(const CountKind& kind) const { return absl::StrCat(config_.*kind.member); }
  std::string operator()(const BytesKind& kind) const {
    return absl::StrCat(config_.*kind.member, " bytes");
  }
  std::string operator()(const BoolKind& kind) const { return config_.*kind.member ? "on" : "off"; }
  std::string operator()(const TextKind& kind) const {
    const std::string& text = config_.*kind.member;
    if (text.empty()) return "none";
    // An API key that was taken for its file's path looks like a relative path.
    const bool is_surely_a_path = text.starts_with('/') || text.starts_with('.');
    if (kind.placeholder == kPath && !is_surely_a_path) return "set, a relative path";
    return WithoutSecrets(text);
  }
  std::string operator()(const SecretKind& kind) const {
    return (config_.*kind.member).empty() ? "not set" : "set";
  }
  std::string operator()(const LogLevelKind& kind) const {
    switch (config_.*kind.member) {
      case LogLevel::kDebug:
        return "debug";
      case LogLevel::kInfo:
        return "info";
      case LogLevel::kWarn:
        return "warn";
      case LogLevel::kError:
        return "error";
      case LogLevel::kOff:
        break;
    }
    return "off";
  }

 private:
  const GatewayConfig& config_;
};

}  // namespace

std::string WithoutSecrets(std::string_view url) {
  const size_t scheme = url.find("://");
  const std::string_view plain = url.substr(0, url.find_first_of("?#"));
  if (scheme == std::string_view::npos) return std::string(plain);
  const std::string_view head = url.substr(0, scheme + 3);
  const size_t at = url.find('@');
  if (at == std::string_view::npos) return std::string(plain);
  // A password may hold '?' and '#', and a query '@'.
  const bool is_ambiguous = at >= plain.size() || url.rfind('@') != at;
  return absl::StrCat(std::string(head), is_ambiguous ? "..." : std::string(plain.substr(at + 1)));
}

SettingsStatus::SettingsStatus(const GatewayConfig& config) : settings_{.title = "Settings"} {
  const GatewayConfig defaults = Defaults();
  for (const Setting& setting : AllSettings()) {
    std::string value = std::visit(ShownValue(config), setting.kind);
    const bool is_default = value == std::visit(ShownValue(defaults), setting.kind);
    if (is_default && !setting.default_value.empty()) value += " (default)";
    settings_.Add(std::string(setting.name), std::move(value));
  }
}

void SettingsStatus::Describe(StatusReport& report) const {
  report.Section(settings_.title).items = settings_.items;
}

}  // namespace gateway
