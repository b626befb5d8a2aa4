#ifndef SERVICE_CONFIG_SETTING_RULES_H_
#define SERVICE_CONFIG_SETTING_RULES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "service/config/gateway_config.h"

namespace gateway {

// What one setting has to be, given the others. Each of them is in its own range already, which
// settings.cc says. A rule that keeps a promise of the gateway stops the start; what the operator
// may want all the same, though it is risky or has no effect, is a warning.

// The first rule that `config` breaks: the error names the settings, and says what to do.
absl::Status CheckRules(const GatewayConfig& config);

// Adds a warning for each risk that `config` takes.
void AddRiskWarnings(const GatewayConfig& config, std::vector<std::string>& warnings);

}  // namespace gateway

#endif  // SERVICE_CONFIG_SETTING_RULES_H_
