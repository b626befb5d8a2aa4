#ifndef SERVICE_HTTP_TRUST_STORE_H_
#define SERVICE_HTTP_TRUST_STORE_H_

#include <string>

#include "absl/status/statusor.h"

namespace gateway {

// One file with every certificate authority that is trusted: the system's and further ones.
//
// One file, because libcurl keeps the parsed certificates for the next connections only if they
// come from a file alone (not from memory, nor with a folder beside it); reading the system's 140
// again costs every connection some 10 ms of CPU. The joined file lives in memory.
class TrustStore {
 public:
  // `system_file` may be missing or empty; `further_file`, unless empty, must be a PEM file with a
  // certificate, else InvalidArgument.
  static absl::StatusOr<TrustStore> Load(const std::string& system_file,
                                         const std::string& further_file);
  ~TrustStore();
  TrustStore(TrustStore&& other) noexcept;
  TrustStore& operator=(TrustStore&&) = delete;

  // To be opened while the store lives. Empty if there is no file at all.
  const std::string& path() const { return path_; }

 private:
  TrustStore(std::string path, int descriptor);

  std::string path_;
  int descriptor_;  // of the joined file, or -1
};

}  // namespace gateway

#endif  // SERVICE_HTTP_TRUST_STORE_H_
