#include "service/passfort/api_key_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

constexpr size_t kMaxKey = 4096;

absl::Status CheckKey(std::string_view key) {
  if (key.empty()) return absl::InvalidArgumentError("the API key is empty");
  if (key.size() > kMaxKey) {
    return absl::InvalidArgumentError(
        absl::StrCat("the API key is longer than ", kMaxKey, " bytes"));
  }
  // Anything else would break the request's header, or be trimmed from it on the way.
  const bool is_printable =
      std::all_of(key.begin(), key.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!is_printable) {
    return absl::InvalidArgumentError("the API key has characters other than printable ASCII");
  }
  if (key.front() == ' ' || key.back() == ' ') {
    return absl::InvalidArgumentError("the API key begins or ends with a space");
  }
  return absl::OkStatus();
}

// A key that was given as the path of its file looks like a relative path.
absl::Status FileError(const std::string& path, absl::string_view what) {
  const bool is_surely_a_path = path.starts_with('/') || path.starts_with('.');
  return absl::InvalidArgumentError(absl::StrCat(
      "API key file ",
      is_surely_a_path ? path : "(not shown: it begins with neither / nor ., so it may be the key)",
      ": ", what));
}

absl::Status SystemError(const std::string& path, int error) {
  return FileError(path, strerror(error));
}

int64_t Nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// Up to `most` bytes.
absl::StatusOr<std::string> ReadBytes(int file, const std::string& path, size_t most) {
  std::string content(most, '\0');
  size_t size = 0;
  while (size < most) {
    const ssize_t got = read(file, content.data() + size, most - size);
    if (got == 0) break;
    if (got > 0) {
      size += static_cast<size_t>(got);
    } else if (errno != EINTR) {
      return SystemError(path, errno);
    }
  }
  content.resize(size);
  return content;
}

void RemoveLineBreak(std::string& content) {
  if (content.ends_with('\n')) content.pop_back();
  if (content.ends_with('\r')) content.pop_back();
}

}  // namespace

ApiKeySource::ApiKeySource(std::string key)
    : key_(std::make_shared<const std::string>(std::move(key))) {}

absl::StatusOr<std::unique_ptr<ApiKeySource>> ApiKeySource::FromValue(std::string key) {
  if (const absl::Status status = CheckKey(key); !status.ok()) return status;
  return std::unique_ptr<ApiKeySource>(new ApiKeySource(std::move(key)));
}

absl::StatusOr<std::unique_ptr<ApiKeySource>> ApiKeySource::FromFile(std::string path) {
  absl::StatusOr<Content> content = Read(path);
  if (!content.ok()) return content.status();
  std::unique_ptr<ApiKeySource> source(new ApiKeySource(std::move(content->key)));
  source->path_ = std::move(path);
  source->identity_ = content->identity;
  source->is_readable_by_anybody_ = content->is_readable_by_anybody;
  return source;
}

absl::StatusOr<ApiKeySource::Refreshed> ApiKeySource::Refresh() {
  if (path_.empty()) return Refreshed::kSame;
  struct stat status = {};
  // After a failure the file is read in any case: it may be well again with the same identity.
  if (last_reported_error_.empty() && stat(path_.c_str(), &status) == 0 &&
      IdentityOf(status) == identity_) {
    return Refreshed::kSame;
  }
  absl::StatusOr<Content> content = Read(path_);
  if (!content.ok()) {
    const std::string error(content.status().message());
    if (std::exchange(last_reported_error_, error) == error) return Refreshed::kSame;
    return content.status();
  }
  last_reported_error_.clear();
  identity_ = content->identity;
  is_readable_by_anybody_ = content->is_readable_by_anybody;
  if (content->key == *key_) return Refreshed::kSame;
  key_ = std::make_shared<const std::string>(std::move(content->key));
  return Refreshed::kNew;
}

ApiKeySource::Identity ApiKeySource::IdentityOf(const struct stat& status) {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .bytes = status.st_size,
          .modified_ns = Nanoseconds(status.st_mtim),
          .changed_ns = Nanoseconds(status.st_ctim)};
}

absl::StatusOr<ApiKeySource::Content> ApiKeySource::Read(const std::string& path) {
  // O_NONBLOCK: opening a FIFO would otherwise wait for its writer.
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return SystemError(path, errno);
  const absl::Cleanup close_file = [file] { close(file); };
  struct stat status = {};
  if (fstat(file, &status) != 0) return SystemError(path, errno);
  if (!S_ISREG(status.st_mode)) return FileError(path, "not a regular file");
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return FileError(path, "others than its owner can write it; take that right away (chmod go-w)");
  }
  // The identity is taken before the content: a change in between is seen by the next look.
  constexpr size_t kLineBreak = 2;
  absl::StatusOr<std::string> key = ReadBytes(file, path, kMaxKey + kLineBreak + 1);
  if (!key.ok()) return key.status();
  RemoveLineBreak(*key);
  if (const absl::Status check = CheckKey(*key); !check.ok()) {
    return FileError(path, check.message());
  }
  return Content{.identity = IdentityOf(status),
                 .is_readable_by_anybody = (status.st_mode & S_IROTH) != 0,
                 .key = *std::move(key)};
}

}  // namespace gateway
