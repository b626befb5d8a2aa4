#include "service/config/descriptor_fit.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

// Listeners, files, store, metrics, and the reserve for them.
constexpr int64_t kOfOurOwn = 128;
// No setting gets less, however few descriptors there are.
constexpr int64_t kFewest = 8;

}  // namespace

std::string FitToDescriptors(uint64_t max_descriptors, GatewayConfig& config) {
  const int64_t wanted = config.max_in_flight + config.max_connections;
  if (static_cast<uint64_t>(wanted + kOfOurOwn) <= max_descriptors) return "";
  const int64_t room = std::max<int64_t>(static_cast<int64_t>(max_descriptors) - kOfOurOwn, 0);
  const auto part = [&](int64_t setting) {
    return std::min(setting, std::max(kFewest, room * setting / wanted));
  };
  const int64_t calls = part(config.max_in_flight);
  const int64_t connections = part(config.max_connections);
  std::string warning =
      absl::StrCat("max_in_flight: ", config.max_in_flight, " calls and max_connections (",
                   config.max_connections, ") may need ", wanted + kOfOurOwn,
                   " descriptors, but the process may open only ", max_descriptors,
                   " (ulimit -n): they are ", calls, " and ", connections, " now");
  config.max_in_flight = calls;
  config.max_connections = connections;
  return warning;
}

}  // namespace gateway
