#ifndef SERVICE_TLS_CERTIFICATE_STAGE_H_
#define SERVICE_TLS_CERTIFICATE_STAGE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/tls/certificate_set.h"

namespace gateway {

// Files from which gRPC reads certificates, and which are a good set at any moment:
//
//   FOLDER/set-7/tls.crt, tls.key, ca.crt    the set before, which gRPC may be reading
//   FOLDER/set-8/tls.crt, tls.key, ca.crt
//   FOLDER/current -> set-8
//
// gRPC's FileWatcherCertificateProvider ends the process if a file is empty when it looks, and
// serves nobody while a key does not fit. So a set is written aside, and one rename makes it the
// current one. The provider reads certificate and key one after the other, and notices a set that
// changed in between by the files' modification times alone, in whole seconds: each set has a
// second of its own, the later set the later one.
//
// Only the user of the process can enter the folder. It goes with the stage; one whose process was
// killed, so that a key lies in it, goes when the next stage is made in the same place. A process
// that lives is known by its lock on the folder. One thread at a time.
class CertificateStage {
 public:
  // Makes the folder in `parent`, which is there, and removes what killed processes left there.
  static absl::StatusOr<std::unique_ptr<CertificateStage>> Create(const std::string& parent);
  // In $TMPDIR, or in /tmp.
  static absl::StatusOr<std::unique_ptr<CertificateStage>> Create();
  // Removes the folder. gRPC reads no more by then.
  ~CertificateStage();
  CertificateStage(const CertificateStage&) = delete;
  CertificateStage& operator=(const CertificateStage&) = delete;

  // Makes `set` the current one. If that fails, which it does for a full disk, the one before
  // stays. It does not wait for the disk: after a restart the files are written anew.
  absl::Status Publish(const CertificateSet& set, absl::Time now);

  // Removes the set before the current one, whose key may be the one that was stolen, once gRPC has
  // had time to read the current one.
  void RemovePrevious(absl::Time now);

  // The files of the current set, the same paths for ever. Without the one of callers' authorities
  // if the set has none: gRPC would complain of a missing file each second.
  CertificatePaths current() const;

  const std::string& folder() const { return folder_; }

 private:
  CertificateStage(std::string folder, int lock) : folder_(std::move(folder)), lock_(lock) {}

  std::string SetFolder(uint64_t number) const;
  absl::Status MakeCurrent(uint64_t number);
  void Remove(uint64_t number);

  const std::string folder_;
  const int lock_;               // the descriptor of the folder, which holds its lock
  uint64_t last_number_ = 0;     // of the last set that was begun
  uint64_t current_number_ = 0;  // 0: there is none yet, likewise the next one
  uint64_t previous_number_ = 0;
  int64_t last_second_ = 0;
  absl::Time published_at_ = absl::InfinitePast();
  std::atomic<bool> has_client_ca_ = true;
};

}  // namespace gateway

#endif  // SERVICE_TLS_CERTIFICATE_STAGE_H_
