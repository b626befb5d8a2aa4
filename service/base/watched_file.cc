#include "service/base/watched_file.h"

#include "absl/strings/str_cat.h"

namespace gateway {

bool WatchedFile::IsUnchanged() const { return accepted_ == IdentityOfFile(options_.path); }

bool WatchedFile::IsNewError(const absl::Status& error) {
  const std::string message(error.message());
  return std::exchange(last_error_, message) != message;
}

absl::StatusOr<SmallFile> WatchedFile::ReadText() const {
  absl::StatusOr<SmallFile> file = ReadSmallFile(options_.path, options_.max_bytes);
  if (file.ok() && file->IsWritableByOthers()) {
    return absl::InvalidArgumentError(
        "others than its owner can write it; take that right away (chmod go-w)");
  }
  return file;
}

absl::Status WatchedFile::WithName(const absl::Status& error) const {
  return absl::Status(error.code(),
                      absl::StrCat(options_.what, " ", options_.path, ": ", error.message()));
}

}  // namespace gateway
