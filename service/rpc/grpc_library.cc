#include "service/rpc/grpc_library.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/version_info.h>

#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "service/base/version.h"

namespace gateway {
namespace {

constexpr std::string_view kHardened = " hardened";

// The first release in which each of the faults that `WarnOfGrpcFaults` names is mended.
constexpr std::pair<int, int> kFirstWithoutFaults = {1, 60};

}  // namespace

std::string GrpcLibrary() {
  std::string library = grpc::Version();
  if (HasHardenedGrpc()) library += kHardened;
  return library;
}

// The experiment is on in 1.51.1: a peer that always has something to read gets as much memory as
// it has sent since it last paused, hundreds of MiB in seconds. Without it a read has
// GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE at most. 1.83 does not know it any more, and would complain.
void BoundGrpcReads() {
#if GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR < 83
  setenv("GRPC_EXPERIMENTS", "-tcp_read_chunks", 1);
#endif
}

bool HasKnownFaults(std::string_view library) {
  if (library.ends_with(kHardened)) return false;
  const std::vector<std::string> parts = absl::StrSplit(std::string(library), '.');
  std::pair<int, int> version;
  if (parts.size() < 2 || !absl::SimpleAtoi(parts[0], &version.first) ||
      !absl::SimpleAtoi(parts[1], &version.second)) {
    return true;
  }
  return version < kFirstWithoutFaults;
}

void WarnOfGrpcFaults(Log& log) {
  const std::string library = GrpcLibrary();
  if (!HasKnownFaults(library)) return;
  log.Warn(
      "other machines reach `listen` or `health_listen`, and one client can make this gRPC take "
      "all memory "
      "(CVE-2023-44487, rapid reset; CVE-2023-33953, endless headers). Deploy the build of the "
      "preset hardened",
      {{"grpc", library}});
}

}  // namespace gateway
