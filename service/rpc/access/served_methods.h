#ifndef SERVICE_RPC_ACCESS_SERVED_METHODS_H_
#define SERVICE_RPC_ACCESS_SERVED_METHODS_H_

#include <string>
#include <vector>

namespace gateway {

// "/package.Service/Method" of all that a rule about callers can be about: the methods of our own
// services, and of those that gRPC brings along.
std::vector<std::string> ServedMethods();

}  // namespace gateway

#endif  // SERVICE_RPC_ACCESS_SERVED_METHODS_H_
