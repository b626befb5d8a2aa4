#include "service/authorization/policy_text.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
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

// Up to `most` bytes.
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
  return content;
}

}  // namespace

PolicyFileIdentity PolicyFileIdentity::Of(const struct stat& status) {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .mode = status.st_mode,
          .bytes = status.st_size,
          .modified_ns = Nanoseconds(status.st_mtim),
          .changed_ns = Nanoseconds(status.st_ctim)};
}

absl::StatusOr<PolicyText> ReadPolicyText(const std::string& path, size_t max_bytes) {
  // O_NONBLOCK: opening a FIFO would otherwise wait for its writer.
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return SystemError(errno);
  const absl::Cleanup close_file = [file] { close(file); };
  struct stat status = {};
  if (fstat(file, &status) != 0) return SystemError(errno);
  if (!S_ISREG(status.st_mode)) return absl::InvalidArgumentError("not a regular file");
  // The identity is taken before the content: a change in between is seen by the next look.
  absl::StatusOr<std::string> text = ReadBytes(file, max_bytes + 1);
  if (!text.ok()) return text.status();
  return PolicyText{.identity = PolicyFileIdentity::Of(status),
                    .is_writable_by_others = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0,
                    .text = *std::move(text)};
}

}  // namespace gateway
