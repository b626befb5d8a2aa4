#include "service/config/gateway_config.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "service/config/address.h"
#include "service/config/edit_distance.h"
#include "service/config/help.h"
#include "service/config/setting_rules.h"
#include "service/config/setting_value.h"
#include "service/config/settings.h"

namespace gateway {
namespace {

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

template <typename... Parts>
absl::Status Wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

const Setting* FindSetting(std::string_view name) {
  const auto all = AllSettings();
  const auto found =
      std::find_if(all.begin(), all.end(), [name](const Setting& s) { return s.name == name; });
  return found == all.end() ? nullptr : &*found;
}

struct NearSetting {
  const Setting* setting;
  size_t distance;
};

// The setting whose name is most like `name`. Capital letters and dashes are no difference.
std::optional<NearSetting> NearestSetting(std::string_view name) {
  constexpr size_t kMaxName = 64;
  if (name.size() > kMaxName) return std::nullopt;
  std::string written = absl::AsciiStrToLower(Absl(name));
  std::replace(written.begin(), written.end(), '-', '_');
  std::optional<NearSetting> nearest;
  for (const Setting& setting : AllSettings()) {
    const size_t distance = EditDistance(written, setting.name);
    if (!nearest || distance < nearest->distance) nearest = {&setting, distance};
  }
  return nearest;
}

// ", did you mean x_y?" if a setting's name is near, else nothing.
std::string NearMatch(std::string_view name) {
  constexpr size_t kNear = 2;
  const auto nearest = NearestSetting(name);
  if (!nearest || nearest->distance > kNear) return "";
  return absl::StrCat(", did you mean ", Absl(nearest->setting->name), "?");
}

absl::Status ReadDefaults(GatewayConfig& config) {
  for (const Setting& setting : AllSettings()) {
    if (setting.default_value.empty()) continue;
    const absl::Status status = SetValue(setting, setting.default_value, "the default", config);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Kubernetes' Secrets are often made of files or pipes that end with one.
std::string_view WithoutLineBreak(std::string_view value) {
  if (value.ends_with('\n')) value.remove_suffix(1);
  if (value.ends_with('\r')) value.remove_suffix(1);
  return value;
}

absl::Status ReadEnvironment(std::span<const std::string_view> environment, ParsedConfig& parsed) {
  for (const std::string_view entry : environment) {
    const size_t equals = entry.find('=');
    if (equals == std::string_view::npos || !entry.starts_with(kEnvironmentPrefix)) continue;
    const std::string_view name = entry.substr(0, equals);
    const std::string_view value = WithoutLineBreak(entry.substr(equals + 1));
    const std::string setting_name =
        absl::AsciiStrToLower(Absl(name.substr(kEnvironmentPrefix.size())));
    const Setting* setting = FindSetting(setting_name);
    if (setting == nullptr || EnvironmentName(*setting) != name) {
      // One edit away is a slip, and whoever made it counts on the setting. Other names may be
      // Kubernetes', which has variables for each Service.
      if (const auto nearest = NearestSetting(setting_name); nearest && nearest->distance <= 1) {
        return Wrong("unknown environment variable ", absl::CHexEscape(Absl(name)),
                     ", did you mean ", EnvironmentName(*nearest->setting), "?");
      }
      parsed.warnings.push_back(absl::StrCat("unknown environment variable ",
                                             absl::CHexEscape(Absl(name)), " is ignored",
                                             NearMatch(setting_name)));
      continue;
    }
    if (value.empty()) continue;
    const absl::Status status = SetValue(*setting, value, name, parsed.config);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Up to the first character that is in no flag's name: what follows may be a key.
std::string ShownFlag(std::string_view flag) {
  const auto end = std::find_if_not(flag.begin(), flag.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  });
  return absl::StrCat(Absl({flag.begin(), end}), end == flag.end() ? "" : "...");
}

// The command line, one flag after another.
class FlagReader {
 public:
  explicit FlagReader(std::span<const std::string_view> arguments) : arguments_(arguments) {}

  absl::Status ReadInto(GatewayConfig& config) {
    while (next_ < arguments_.size()) {
      if (const absl::Status status = ReadOne(config); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  // No message repeats what follows a wrong flag or stands alone: it may be a key.
  absl::Status ReadOne(GatewayConfig& config) {
    const std::string_view argument = arguments_[next_++];
    if (!argument.starts_with("--") || argument == "--") {
      return Wrong("argument ", next_,
                   " is not a flag; settings are given as --name=value (see --help)");
    }
    const size_t equals = argument.find('=');
    const std::string_view flag = argument.substr(0, equals);
    const std::string_view name = flag.substr(2);
    const Setting* setting = FindSetting(name);
    if (setting == nullptr) {
      return Wrong("unknown flag ", ShownFlag(flag), NearMatch(name), " (see --help)");
    }
    if (std::holds_alternative<SecretKind>(setting->kind)) {
      return Wrong(Absl(name),
                   ": not taken from the command line, which every user of the machine "
                   "can read in the process list; set ",
                   EnvironmentName(*setting), " or use a file (api_key_file)");
    }
    const std::optional<std::string_view> value =
        equals != std::string_view::npos ? argument.substr(equals + 1) : FollowingValue(*setting);
    if (!value.has_value()) {
      return Wrong(Absl(name), ": ", Absl(flag), " has no value; want ", RangeOf(setting->kind));
    }
    return SetValue(*setting, *value, flag, config);
  }

  std::optional<std::string_view> FollowingValue(const Setting& setting) {
    const bool has_next = next_ < arguments_.size();
    if (std::holds_alternative<BoolKind>(setting.kind)) {
      return has_next && IsSwitchWord(arguments_[next_]) ? arguments_[next_++] : "on";
    }
    if (!has_next || arguments_[next_].starts_with("--")) return std::nullopt;
    return arguments_[next_++];
  }

  const std::span<const std::string_view> arguments_;
  size_t next_ = 0;
};

std::optional<std::string> RequestedText(std::span<const std::string_view> arguments) {
  for (const std::string_view argument : arguments) {
    if (argument == "--help" || argument == "-h") return HelpText();
    if (argument == "--help-markdown") return HelpMarkdown();
    if (argument == "--version") return VersionText();
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<ParsedConfig> ParseGatewayConfig(std::span<const std::string_view> arguments,
                                                std::span<const std::string_view> environment) {
  ParsedConfig parsed;
  if (std::optional<std::string> text = RequestedText(arguments)) {
    parsed.action = ParsedConfig::Action::kPrintText;
    parsed.text = *std::move(text);
    return parsed;
  }
  absl::Status status = ReadDefaults(parsed.config);
  if (status.ok()) status = ReadEnvironment(environment, parsed);
  const std::string store_by_environment = parsed.config.store;
  if (status.ok()) status = FlagReader(arguments).ReadInto(parsed.config);
  if (status.ok()) status = CheckRules(parsed.config);
  if (!status.ok()) return status;
  AddRiskWarnings(parsed.config, parsed.warnings);
  if (parsed.config.store != store_by_environment && HoldsPassword(parsed.config.store)) {
    parsed.warnings.push_back(
        "store: every user of the machine can read the password in the process list; set "
        "PASSFORT_GATEWAY_STORE, or give the password by libpq's own means");
  }
  return parsed;
}

bool ServesReflection(const GatewayConfig& config) {
  if (config.reflection != "auto") return config.reflection == "on";
  return IsLoopbackAddress(config.listen);
}

bool KnowsCallers(const GatewayConfig& config) { return !config.tls_client_ca_file.empty(); }

bool ServesOtherMachines(const GatewayConfig& config) {
  return !IsLoopbackAddress(config.listen) ||
         (!config.health_listen.empty() && !IsLoopbackAddress(config.health_listen));
}

absl::Status CheckFiles(const GatewayConfig& config) {
  if (config.api_ca_file.empty()) return absl::OkStatus();
  const int file = open(config.api_ca_file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    return Wrong("api_ca_file: cannot read \"", config.api_ca_file, "\": ", strerror(errno));
  }
  close(file);
  return absl::OkStatus();
}

}  // namespace gateway
