#ifndef SERVICE_BASE_SMALL_FILE_H_
#define SERVICE_BASE_SMALL_FILE_H_

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace gateway {

// The files that an operator gives the gateway and replaces while it runs: keys, certificates,
// policies.

// What changes when a file is written, replaced, gets other rights, or is reached through another
// symlink (which is how Kubernetes changes what it mounts). The default is that of no file.
struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  // Because a change of the rights alone may fall into the same tick of the clock.
  uint32_t mode = 0;
  int64_t bytes = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;

  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

// One system call, for an event loop's timer.
FileIdentity IdentityOfFile(const std::string& path);

struct SmallFile {
  // Taken before the text, so the next look sees a change that came in between.
  FileIdentity identity;
  std::string text;

  bool IsWritableByOthers() const { return (identity.mode & (S_IWGRP | S_IWOTH)) != 0; }
  bool IsReadableByAnybody() const { return (identity.mode & S_IROTH) != 0; }
};

// Reads the regular file at `path` once, without waiting on a pipe. Of a file of more than
// `max_bytes`, the text is the first `max_bytes` and one more, by which the caller tells. kNotFound
// if there is none; an error names no path.
absl::StatusOr<SmallFile> ReadSmallFile(const std::string& path, size_t max_bytes);

}  // namespace gateway

#endif  // SERVICE_BASE_SMALL_FILE_H_
