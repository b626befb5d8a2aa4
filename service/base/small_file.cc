#include "service/base/small_file.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"

namespace gateway {
namespace {

absl::Status SystemError(int error) {
  if (error == ENOENT) return absl::NotFoundError(strerror(error));
  return absl::InvalidArgumentError(strerror(error));
}

int64_t Nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

FileIdentity IdentityOf(const struct stat& status) {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .mode = status.st_mode,
          .bytes = status.st_size,
          .modified_ns = Nanoseconds(status.st_mtim),
          .changed_ns = Nanoseconds(status.st_ctim)};
}

// Up to `most` bytes, whatever the file's size says.
absl::StatusOr<std::string> ReadBytes(int file, size_t most) {
  std::string content(most, '\0');
  size_t size = 0;
  while (size < most) {
    const ssize_t got = read(file, content.data() + size, most - size);
    if (got == 0) break;
    if (got > 0) {
      size += static_cast<size_t>(got);
    } else if (errno != EINTR) {
      return SystemError(errno);
    }
  }
  content.resize(size);
  content.shrink_to_fit();
  return content;
}

}  // namespace

FileIdentity IdentityOfFile(const std::string& path) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 ? IdentityOf(status) : FileIdentity{};
}

absl::StatusOr<SmallFile> ReadSmallFile(const std::string& path, size_t max_bytes) {
  // O_NONBLOCK: opening a FIFO would otherwise wait for its writer.
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return SystemError(errno);
  const absl::Cleanup close_file = [file] { close(file); };
  struct stat status = {};
  if (fstat(file, &status) != 0) return SystemError(errno);
  if (!S_ISREG(status.st_mode)) return absl::InvalidArgumentError("it is not a regular file");
  absl::StatusOr<std::string> text = ReadBytes(file, max_bytes + 1);
  if (!text.ok()) return text.status();
  return SmallFile{.identity = IdentityOf(status), .text = *std::move(text)};
}

}  // namespace gateway
