#ifndef SERVICE_RPC_GRPC_LIBRARY_H_
#define SERVICE_RPC_GRPC_LIBRARY_H_

#include <string>
#include <string_view>

#include "service/observability/log.h"

namespace gateway {

// The gRPC that the program holds: "1.51.1", or "1.51.1 hardened" with our patch.
std::string GrpcLibrary();

// Has gRPC read from sockets within bounds. Before gRPC is used and there is a second thread.
void BoundGrpcReads();

// Whether a caller can bring the gateway down by faults of `library`, as `GrpcLibrary` names it.
bool HasKnownFaults(std::string_view library);

// For a port that other machines reach: one line that names these faults, if there are any.
void WarnOfGrpcFaults(Log& log);

}  // namespace gateway

#endif  // SERVICE_RPC_GRPC_LIBRARY_H_
