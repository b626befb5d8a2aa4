#ifndef SERVICE_TLS_SMALL_FILE_H_
#define SERVICE_TLS_SMALL_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace gateway {

// The content of the regular file at `path`, read once and without waiting on a pipe. Errors say
// what is wrong, and name no path.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t max_bytes);

// What changes when a file is written, replaced, or reached through another symlink (which is how
// Kubernetes changes a mounted secret). Also a file that is missing has one.
struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t bytes = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;

  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

FileIdentity IdentityOfFile(const std::string& path);

}  // namespace gateway

#endif  // SERVICE_TLS_SMALL_FILE_H_
