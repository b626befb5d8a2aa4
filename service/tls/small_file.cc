#include "service/tls/small_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

int64_t Nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

absl::Status SystemError(int error) { return absl::InvalidArgumentError(strerror(error)); }

absl::Status TooLarge(size_t max_bytes) {
  return absl::InvalidArgumentError(absl::StrCat("it is larger than ", max_bytes, " bytes"));
}

// Up to `max_bytes` and one more, by which a file is told that is too large or has grown.
absl::StatusOr<std::string> ReadBytes(int file, size_t expected_bytes, size_t max_bytes) {
  std::string content;
  size_t size = 0;
  // The usual file takes two reads: its content, and its end.
  content.resize(expected_bytes + 1);
  while (true) {
    const ssize_t got = read(file, content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
    if (size > max_bytes) return TooLarge(max_bytes);
    if (size == content.size()) content.resize(max_bytes + 1);
  }
  content.resize(size);
  return content;
}

}  // namespace

absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t max_bytes) {
  // O_NONBLOCK: opening a FIFO would otherwise wait for its writer.
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return SystemError(errno);
  const absl::Cleanup close_file = [file] { close(file); };
  struct stat status = {};
  if (fstat(file, &status) != 0) return SystemError(errno);
  if (!S_ISREG(status.st_mode)) return absl::InvalidArgumentError("it is not a regular file");
  const auto bytes = static_cast<size_t>(status.st_size);
  if (bytes > max_bytes) return TooLarge(max_bytes);
  return ReadBytes(file, bytes, max_bytes);
}

FileIdentity IdentityOfFile(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return {};
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .bytes = status.st_size,
          .modified_ns = Nanoseconds(status.st_mtim),
          .changed_ns = Nanoseconds(status.st_ctim)};
}

}  // namespace gateway
