#include "service/tls/certificate_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

constexpr std::string_view kNamePrefix = "passfort-gateway-tls-";
// How often another process may take our new folder for one that was left behind.
constexpr int kMaxTries = 10;
constexpr mode_t kOwnerOnlyFolder = 0700;
constexpr mode_t kOwnerOnlyFile = 0600;

// gRPC looks every second.
constexpr absl::Duration kReadWithin = absl::Seconds(5);

// Without the number of the set, which would make each error another one.
absl::Status CannotStage(std::string_view what, const std::string& path, int error) {
  return absl::UnavailableError(absl::StrCat("stage the TLS certificates: ", std::string(what), " ",
                                             std::filesystem::path(path).filename().string(), ": ",
                                             strerror(error)));
}

absl::Status CannotMakeFolder(const std::string& parent, const std::string& why) {
  return absl::UnavailableError(
      absl::StrCat("make a private folder for the TLS certificates in ", parent, ": ", why,
                   "; set TMPDIR to a folder that the gateway can write"));
}

bool WriteAll(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

absl::Status WriteFile(const std::string& path, std::string_view text, int64_t modified_second) {
  const int file =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kOwnerOnlyFile);
  if (file < 0) return CannotStage("create", path, errno);
  const absl::Cleanup close_file = [file] { close(file); };
  if (!WriteAll(file, text)) return CannotStage("write", path, errno);
  const timespec time = {.tv_sec = modified_second, .tv_nsec = 0};
  const std::array<timespec, 2> times = {time, time};
  if (futimens(file, times.data()) != 0) return CannotStage("date", path, errno);
  return absl::OkStatus();
}

void RemoveAll(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

// The descriptor of `folder`, locked, or -1: it is another's, or it is no folder of ours.
int LockFolder(const std::string& folder) {
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return -1;
  struct stat opened = {};
  struct stat named = {};
  // By the time of the lock another process may have removed it.
  const bool is_ours = flock(file, LOCK_EX | LOCK_NB) == 0 && fstat(file, &opened) == 0 &&
                       opened.st_uid == geteuid() && lstat(folder.c_str(), &named) == 0 &&
                       named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
  if (is_ours) return file;
  close(file);
  return -1;
}

void RemoveLeftovers(const std::string& parent) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(parent, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string path = entry->path().string();
    if (!entry->path().filename().string().starts_with(kNamePrefix)) continue;
    const int lock = LockFolder(path);
    if (lock < 0) continue;
    RemoveAll(path);
    close(lock);
  }
}

CertificatePaths FilesIn(const std::string& folder) {
  return {.cert_file = folder + "/tls.crt",
          .key_file = folder + "/tls.key",
          .client_ca_file = folder + "/ca.crt"};
}

absl::Status WriteSet(const std::string& folder, const CertificateSet& set, int64_t second) {
  if (mkdir(folder.c_str(), kOwnerOnlyFolder) != 0) {
    return CannotStage("create a folder in", std::filesystem::path(folder).parent_path(), errno);
  }
  const CertificatePaths files = FilesIn(folder);
  if (auto status = WriteFile(files.cert_file, set.certificate_pem, second); !status.ok()) {
    return status;
  }
  if (auto status = WriteFile(files.key_file, set.key_pem, second); !status.ok()) return status;
  if (set.client_ca_pem.empty()) return absl::OkStatus();
  return WriteFile(files.client_ca_file, set.client_ca_pem, second);
}

}  // namespace

absl::StatusOr<std::unique_ptr<CertificateStage>> CertificateStage::Create(
    const std::string& parent) {
  RemoveLeftovers(parent);
  for (int tries = 0; tries < kMaxTries; ++tries) {
    std::string folder = absl::StrCat(parent, "/", std::string(kNamePrefix), "XXXXXX");
    if (mkdtemp(folder.data()) == nullptr) return CannotMakeFolder(parent, strerror(errno));
    const int lock = LockFolder(folder);
    if (lock < 0) continue;
    return std::unique_ptr<CertificateStage>(new CertificateStage(std::move(folder), lock));
  }
  return CannotMakeFolder(parent, "it cannot be locked");
}

absl::StatusOr<std::unique_ptr<CertificateStage>> CertificateStage::Create() {
  const char* const parent = getenv("TMPDIR");
  return Create(parent != nullptr && *parent != '\0' ? parent : "/tmp");
}

CertificateStage::~CertificateStage() {
  RemoveAll(folder_);
  close(lock_);
}

absl::Status CertificateStage::Publish(const CertificateSet& set, absl::Time now) {
  const uint64_t number = ++last_number_;
  last_second_ = std::max(last_second_ + 1, absl::ToUnixSeconds(now));
  absl::Status status = WriteSet(SetFolder(number), set, last_second_);
  if (status.ok()) status = MakeCurrent(number);
  if (!status.ok()) {
    Remove(number);
    return status;
  }
  Remove(previous_number_);
  previous_number_ = std::exchange(current_number_, number);
  has_client_ca_ = !set.client_ca_pem.empty();
  published_at_ = now;
  return absl::OkStatus();
}

void CertificateStage::RemovePrevious(absl::Time now) {
  if (previous_number_ == 0 || now - published_at_ < kReadWithin) return;
  Remove(std::exchange(previous_number_, 0));
}

CertificatePaths CertificateStage::current() const {
  CertificatePaths files = FilesIn(folder_ + "/current");
  if (!has_client_ca_) files.client_ca_file.clear();
  return files;
}

std::string CertificateStage::SetFolder(uint64_t number) const {
  return absl::StrCat(folder_, "/set-", number);
}

absl::Status CertificateStage::MakeCurrent(uint64_t number) {
  const std::string next = folder_ + "/next";
  unlink(next.c_str());  // left over from a failure
  if (symlink(absl::StrCat("set-", number).c_str(), next.c_str()) != 0) {
    return CannotStage("link", next, errno);
  }
  const std::string current = folder_ + "/current";
  if (rename(next.c_str(), current.c_str()) != 0) return CannotStage("replace", current, errno);
  return absl::OkStatus();
}

void CertificateStage::Remove(uint64_t number) {
  if (number != 0) RemoveAll(SetFolder(number));
}

}  // namespace gateway
