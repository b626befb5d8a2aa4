#ifndef SERVICE_CONFIG_DESCRIPTOR_FIT_H_
#define SERVICE_CONFIG_DESCRIPTOR_FIT_H_

#include <cstdint>
#include <string>

#include "service/config/gateway_config.h"

namespace gateway {

// Every call in flight has a connection to Passfort, and its caller one to the gateway. If the
// process may open fewer descriptors than that, max_in_flight and max_connections get less, in
// proportion: otherwise calls that were let in would fail for want of one, also those of others.
// Returns a warning that says so; empty if nothing changed.
std::string FitToDescriptors(uint64_t max_descriptors, GatewayConfig& config);

}  // namespace gateway

#endif  // SERVICE_CONFIG_DESCRIPTOR_FIT_H_
