#include "service/base/version.h"

namespace gateway {

constexpr char kVersion[] = GATEWAY_VERSION;

}  // namespace gateway
