#ifndef SERVICE_BASE_VERSION_H_
#define SERVICE_BASE_VERSION_H_

namespace gateway {

// The project's version, as CMakeLists.txt names it: "1.2.3".
extern const char kVersion[];

// Whether the program holds the gRPC that cmake/grpc patches, rather than Debian's own.
bool HasHardenedGrpc();

}  // namespace gateway

#endif  // SERVICE_BASE_VERSION_H_
