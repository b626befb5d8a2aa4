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
#include "service/config/setting_value.h"
#include "service/config/settings.h"

namespace gateway {
namespace {

using std::chrono::milliseconds;

// Passfort's own request timeout (API documentation, "Passfort API versions").
constexpr milliseconds kPassfortTimeout{60'000};

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

// A policy, a trust domain, or limits of callers, without identities are false promises.
absl::Status CheckTls(const GatewayConfig& config) {
  if (config.tls_cert_file.empty() != config.tls_key_file.empty()) {
    return Wrong("tls_cert_file, tls_key_file: only one of them is set; want both, or neither");
  }
  if (!config.tls_client_ca_file.empty() && config.tls_cert_file.empty()) {
    return Wrong("tls_client_ca_file: needs tls_cert_file and tls_key_file too");
  }
  if (KnowsCallers(config)) {
    if (!config.allow_insecure_listen) return absl::OkStatus();
    return Wrong(
        "allow_insecure_listen: callers have to show certificates (tls_client_ca_file), so nothing "
        "insecure is to be allowed; leave one of the two away");
  }
  for (const auto& [name, value] :
       {std::pair("tls_trust_domain", &config.tls_trust_domain),
        std::pair("authorization_policy_file", &config.authorization_policy_file),
        std::pair("callers_file", &config.callers_file)}) {
    if (value->empty()) continue;
    return Wrong(name, ": without tls_client_ca_file nobody knows who calls; set that too");
  }
  return absl::OkStatus();
}

absl::Status CheckAddresses(const GatewayConfig& config) {
  for (const auto& [name, address] :
       {std::pair("listen", &config.listen), std::pair("metrics_listen", &config.metrics_listen)}) {
    if (config.allow_insecure_listen || KnowsCallers(config) || IsLoopbackAddress(*address)) {
      continue;
    }
    return Wrong(name, ": \"", *address, "\" is reachable from other machines, ",
                 config.tls_cert_file.empty() ? "in plain text" : "and anybody may call",
                 "; want a loopback address (127.0.0.0/8, [::1], localhost), TLS with callers' "
                 "certificates (tls_client_ca_file), or set allow_insecure_listen");
  }
  if (config.allow_insecure_api_url || !IsPlainHttp(config.api_url)) return absl::OkStatus();
  if (!IsLoopbackUrl(config.api_url)) {
    return Wrong(
        "api_url: \"", config.api_url,
        "\" would show the API key and personal data on the way; want https, or plain http "
        "to a loopback host, or set allow_insecure_api_url");
  }
  if (!config.api_proxy.empty()) {
    return Wrong("api_proxy: \"", config.api_proxy,
                 "\" would get the API key in plain text, because api_url is plain http; want an "
                 "https api_url, or set allow_insecure_api_url");
  }
  return absl::OkStatus();
}

// Whoever may settle a write says what every caller is told of it.
absl::Status CheckOperations(const GatewayConfig& config) {
  if (!config.operations_service) return absl::OkStatus();
  if (config.store.empty()) {
    return Wrong(
        "operations_service: without a store no request_id is remembered; set store too, or leave "
        "it off");
  }
  if (!config.authorization_policy_file.empty() || IsLoopbackAddress(config.listen)) {
    return absl::OkStatus();
  }
  return Wrong("operations_service: listen (\"", config.listen,
               "\") is reachable from other machines, and every caller could settle writes; set "
               "authorization_policy_file, with a rule for those who may, or leave it off");
}

absl::Status CheckKey(const GatewayConfig& config) {
  if (config.api_key.empty() && config.api_key_file.empty()) {
    return Wrong("api_key: no API key; set PASSFORT_GATEWAY_API_KEY or api_key_file");
  }
  if (!config.api_key.empty() && !config.api_key_file.empty()) {
    return Wrong("api_key, api_key_file: both are set; want exactly one");
  }
  return absl::OkStatus();
}

absl::Status CheckDurations(const GatewayConfig& config) {
  if (config.default_deadline > config.max_deadline) {
    return Wrong("default_deadline: ", DurationText(config.default_deadline),
                 " is longer than max_deadline (", DurationText(config.max_deadline),
                 "); want at most that");
  }
  // A record that expires earlier could be forgotten while its write may still be executed.
  const milliseconds longest =
      config.lease_duration + config.attempt_timeout + config.settle_window;
  if (config.replay_window <= longest) {
    return Wrong("replay_window: ", DurationText(config.replay_window),
                 " is not longer than lease_duration (", DurationText(config.lease_duration),
                 "), attempt_timeout (", DurationText(config.attempt_timeout),
                 ") and settle_window (", DurationText(config.settle_window),
                 ") together; want more than ", DurationText(longest));
  }
  return absl::OkStatus();
}

absl::Status CheckSizes(const GatewayConfig& config) {
  if (config.max_response_bytes_in_flight >= 2 * config.max_response_bytes) return absl::OkStatus();
  return Wrong("max_response_bytes_in_flight: ", config.max_response_bytes_in_flight,
               " bytes are less than twice max_response_bytes (", config.max_response_bytes,
               "); want at least ", 2 * config.max_response_bytes);
}

void AddRiskWarnings(const GatewayConfig& config, std::vector<std::string>& warnings) {
  const auto below_passfort = [&warnings](const char* name, milliseconds value) {
    if (value >= kPassfortTimeout) return;
    warnings.push_back(absl::StrCat(name, ": ", DurationText(value), " is shorter than the ",
                                    DurationText(kPassfortTimeout),
                                    " that Passfort may take: more writes end as unknown"));
  };
  below_passfort("attempt_timeout", config.attempt_timeout);
  below_passfort("default_deadline", config.default_deadline);
  below_passfort("max_deadline", config.max_deadline);
  if (config.settle_window < kPassfortTimeout) {
    warnings.push_back(absl::StrCat("settle_window: ", DurationText(config.settle_window),
                                    " is shorter than the ", DurationText(kPassfortTimeout),
                                    " that Passfort may take: a retry with the same request_id can "
                                    "create a second application"));
  }
  if (config.drain_timeout < config.max_deadline) {
    warnings.push_back(absl::StrCat(
        "drain_timeout: ", DurationText(config.drain_timeout), " is shorter than max_deadline (",
        DurationText(config.max_deadline), "): a stop can cut calls that are in flight"));
  }
  if (config.connect_timeout > config.attempt_timeout) {
    warnings.push_back(absl::StrCat("connect_timeout: ", DurationText(config.connect_timeout),
                                    " is longer than attempt_timeout (",
                                    DurationText(config.attempt_timeout), ") and has no effect"));
  }
  if (KnowsCallers(config) && !IsLoopbackAddress(config.metrics_listen)) {
    warnings.push_back(absl::StrCat("metrics_listen: \"", config.metrics_listen,
                                    "\" is reachable from other machines and asks nobody for a "
                                    "certificate; let a network policy "
                                    "say who may read the metrics"));
  }
  if (config.allow_insecure_store && config.store.starts_with("postgres")) {
    warnings.emplace_back(
        "allow_insecure_store: without sslmode=verify-full the database's password and the records "
        "can be read, and changed, on the way");
  }
  if (config.upstream_http2 && IsPlainHttp(config.api_url)) {
    warnings.emplace_back(
        "upstream_http2: has no effect with a plain http api_url: HTTP/2 is agreed on in the TLS "
        "handshake only");
  }
}

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
  if (status.ok()) status = CheckTls(parsed.config);
  if (status.ok()) status = CheckAddresses(parsed.config);
  if (status.ok()) status = CheckOperations(parsed.config);
  if (status.ok()) status = CheckKey(parsed.config);
  if (status.ok()) status = CheckDurations(parsed.config);
  if (status.ok()) status = CheckSizes(parsed.config);
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
