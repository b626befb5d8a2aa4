#ifndef SERVICE_AUTHORIZATION_POLICY_TEXT_H_
#define SERVICE_AUTHORIZATION_POLICY_TEXT_H_

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace gateway {

// What changes when a file is written, replaced, or reached through another symlink (which is how
// Kubernetes changes a mounted file).
struct PolicyFileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  // Because a change of the rights alone may fall into the same tick of the clock.
  uint32_t mode = 0;
  int64_t bytes = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;

  static PolicyFileIdentity Of(const struct stat& status);
  friend bool operator==(const PolicyFileIdentity&, const PolicyFileIdentity&) = default;
};

struct PolicyText {
  PolicyFileIdentity identity;
  // Others than the owner can write the file, and so decide who may call what.
  bool is_writable_by_others = false;
  std::string text;
};

// Reads the regular file at `path`, without waiting on a pipe. Of a file of more than `max_bytes`,
// the text is `max_bytes` and one more. kNotFound if there is none; an error names no path.
absl::StatusOr<PolicyText> ReadPolicyText(const std::string& path, size_t max_bytes);

}  // namespace gateway

#endif  // SERVICE_AUTHORIZATION_POLICY_TEXT_H_
