#include "service/passfort/api_key_source.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

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
  constexpr std::string_view kLineBreaks = "\r\n";
  if (key.find_first_of(kLineBreaks) != std::string_view::npos) {
    const bool is_at_the_end = key.find_first_of(kLineBreaks) > key.find_last_not_of(kLineBreaks);
    return absl::InvalidArgumentError(
        is_at_the_end ? "the API key has more than one line break after it; want one at most"
                      : "the API key has a line break in it; want the key on one line");
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
  // After a failure the file is read in any case: it may be well again with the same identity.
  if (last_reported_error_.empty() && IdentityOfFile(path_) == identity_) return Refreshed::kSame;
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

absl::StatusOr<ApiKeySource::Content> ApiKeySource::Read(const std::string& path) {
  constexpr size_t kLineBreak = 2;
  absl::StatusOr<SmallFile> file = ReadSmallFile(path, kMaxKey + kLineBreak);
  if (!file.ok()) return FileError(path, file.status().message());
  if (file->IsWritableByOthers()) {
    return FileError(path, "others than its owner can write it; take that right away (chmod go-w)");
  }
  RemoveLineBreak(file->text);
  if (const absl::Status check = CheckKey(file->text); !check.ok()) {
    return FileError(path, check.message());
  }
  return Content{.identity = file->identity,
                 .is_readable_by_anybody = file->IsReadableByAnybody(),
                 .key = std::move(file->text)};
}

}  // namespace gateway
