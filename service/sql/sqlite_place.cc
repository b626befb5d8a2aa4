#include "service/sql/sqlite_place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

constexpr const char* kLogSuffix = "-wal";

template <typename... Parts>
absl::Status Refusal(const std::string& path, const Parts&... parts) {
  return absl::FailedPreconditionError(absl::StrCat("open the store ", path, ": ", parts...));
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// `path/folder` has `path` above it, and so has `path/folder/`.
std::string FolderAbove(std::string folder) {
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  return FolderOf(folder);
}

bool OthersCanWrite(const struct stat& status) {
  return (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

}  // namespace

absl::Status MakeSqliteFolder(const std::string& path) {
  const std::string folder = FolderOf(path);
  if (mkdir(folder.c_str(), S_IRWXU) != 0) {
    if (errno == EEXIST) return absl::OkStatus();
    return Refusal(path, "its folder is not there and cannot be made: ", std::strerror(errno));
  }
  // A folder that a power failure takes away takes the database with it.
  const int above = open(FolderAbove(folder).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool is_on_disk = above >= 0 && fsync(above) == 0;
  const int error = errno;
  if (above >= 0) close(above);
  if (is_on_disk) return absl::OkStatus();
  return Refusal(path, "its new folder does not reach the disk: ", std::strerror(error));
}

absl::Status CheckSqlitePlace(const std::string& path) {
  struct stat status = {};
  const std::string folder = FolderOf(path);
  if (stat(folder.c_str(), &status) != 0) {
    return Refusal(path, "its folder cannot be used: ", std::strerror(errno));
  }
  if (status.st_uid != geteuid() && status.st_uid != 0) {
    return Refusal(path, "its folder belongs to another user; it must be this one or root");
  }
  // Whoever can, renames the database and puts another one there; the sticky bit stops that for the
  // database, but not for a log that is to be made.
  if (OthersCanWrite(status)) {
    return Refusal(path,
                   "others than its owner can write its folder; take that right away (chmod go-w), "
                   "or give the store a folder of its own");
  }
  for (const char* const suffix : {"", kLogSuffix, "-shm", "-journal"}) {
    const std::string name = path + suffix;
    if (lstat(name.c_str(), &status) != 0) {
      if (errno == ENOENT) continue;
      return Refusal(path, name, ": ", std::strerror(errno));
    }
    if (S_ISLNK(status.st_mode)) return Refusal(path, name, " is a symbolic link");
    if (!S_ISREG(status.st_mode)) return Refusal(path, name, " is not a regular file");
    if (status.st_uid != geteuid()) return Refusal(path, name, " belongs to another user");
    if (OthersCanWrite(status)) {
      return Refusal(path, "others than its owner can write ", name,
                     "; take that right away (chmod go-w)");
    }
  }
  return absl::OkStatus();
}

SqlitePlace::SqlitePlace(const std::string& path)
    : paths_{path, path + kLogSuffix},
      opened_{IdentityOf(paths_.front()), IdentityOf(paths_.back())} {}

bool SqlitePlace::IsAsOpened() const {
  for (size_t i = 0; i < paths_.size(); ++i) {
    const std::optional<Identity> now = IdentityOf(paths_[i]);
    if (!now.has_value() || now != opened_[i]) return false;
  }
  return true;
}

std::optional<SqlitePlace::Identity> SqlitePlace::IdentityOf(const std::string& path) {
  struct stat status = {};
  if (lstat(path.c_str(), &status) != 0) return std::nullopt;
  return Identity{.device = status.st_dev, .inode = status.st_ino};
}

}  // namespace gateway
