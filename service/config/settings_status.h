#ifndef SERVICE_CONFIG_SETTINGS_STATUS_H_
#define SERVICE_CONFIG_SETTINGS_STATUS_H_

#include <string>
#include <string_view>

#include "service/config/gateway_config.h"
#include "service/observability/status_report.h"

namespace gateway {

// The settings as they are in force, each with its value. Of a secret it says whether there is one,
// and of a URL neither user, password nor query.
class SettingsStatus final : public StatusSource {
 public:
  explicit SettingsStatus(const GatewayConfig& config);

  void Describe(StatusReport& report) const override;

 private:
  StatusSection settings_;  // they do not change; it holds no secret
};

// A URL for people to read: without user, password, query and fragment, and of one that may be read
// in two ways the scheme alone. What has no scheme is shown up to its first '?' or '#'.
std::string WithoutSecrets(std::string_view url);

}  // namespace gateway

#endif  // SERVICE_CONFIG_SETTINGS_STATUS_H_
