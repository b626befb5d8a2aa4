#include "service/base/version.h"

// The patch defines it: what is linked counts, not what the build was asked for.
extern "C" const char kPassfortGatewayGrpcPatch[] __attribute__((weak));

namespace gateway {

constexpr char kVersion[] = GATEWAY_VERSION;

bool HasHardenedGrpc() { return kPassfortGatewayGrpcPatch != nullptr; }

}  // namespace gateway
