#ifndef SERVICE_BASE_WATCHED_FILE_H_
#define SERVICE_BASE_WATCHED_FILE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/base/small_file.h"

namespace gateway {

// A small file by which an operator says what callers may do, and which is read again when it
// changes. Who can write it decides that too, so nobody but its owner may. One thread at a time.
class WatchedFile {
 public:
  struct Options {
    std::string path;
    std::string what;  // for errors: "authorization policy"
    size_t max_bytes = 0;
  };

  explicit WatchedFile(Options options) : options_(std::move(options)) {}

  // Whether the file is still the one that Read() has accepted. One system call.
  bool IsUnchanged() const;

  // Reads the file and gives its text to `parse`, which accepts it by a value, or refuses it by an
  // error: `parse` returns an absl::StatusOr. A text may be one byte longer than `max_bytes`, and
  // is to be refused then. Errors name the file; kNotFound: there is none.
  template <typename Parse>
  auto Read(Parse parse) -> decltype(parse(std::string_view())) {
    // After a failure the file is read in any case: it may be well again with the same identity.
    accepted_.reset();
    absl::StatusOr<SmallFile> file = ReadText();
    if (!file.ok()) return WithName(file.status());
    auto parsed = parse(std::string_view(file->text));
    if (!parsed.ok()) return WithName(parsed.status());
    accepted_ = file->identity;
    last_error_.clear();
    return parsed;
  }

  // Whether `error` has to be reported: it has not been since another one, or since the file was
  // accepted last.
  bool IsNewError(const absl::Status& error);
  // The last one that was; empty: the file was accepted when it was last read.
  const std::string& last_error() const { return last_error_; }
  void ForgetError() { last_error_.clear(); }

 private:
  absl::StatusOr<SmallFile> ReadText() const;
  absl::Status WithName(const absl::Status& error) const;

  const Options options_;
  std::optional<FileIdentity> accepted_;
  std::string last_error_;  // empty: none
};

}  // namespace gateway

#endif  // SERVICE_BASE_WATCHED_FILE_H_
