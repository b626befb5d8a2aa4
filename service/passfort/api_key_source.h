#ifndef SERVICE_PASSFORT_API_KEY_SOURCE_H_
#define SERVICE_PASSFORT_API_KEY_SOURCE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "service/base/small_file.h"

namespace gateway {

// The API key to use now: a fixed one, or what a file holds. One thread at a time.
//
// A key is 1 to 4096 printable ASCII characters that neither begin nor end with a space. No message
// holds a key or a part of one.
class ApiKeySource {
 public:
  enum class Refreshed { kSame, kNew };

  static absl::StatusOr<std::unique_ptr<ApiKeySource>> FromValue(std::string key);
  // Reads the file, which holds the key and at most one line break after it. Whoever may write it
  // could have the gateway use another account, so no one but the owner may.
  static absl::StatusOr<std::unique_ptr<ApiKeySource>> FromFile(std::string path);

  // The key to use now, never null. The pointer changes with the key and only then.
  const std::shared_ptr<const std::string>& Current() const { return key_; }

  bool IsFromFile() const { return !path_.empty(); }
  // Why the file could not be used when it was last looked at; empty: it could, or there is none.
  const std::string& failure() const { return last_reported_error_; }

  // Whether the key came from a file that every user of the machine can read.
  bool IsReadableByAnybody() const { return is_readable_by_anybody_; }

  // Looks whether the file has changed and reads it if so. If it cannot be read, or holds no key,
  // the old key stays; the error comes once, and not again until the failure is another one or
  // over.
  //
  // For an event loop's timer: without a change it is one system call, and the files it is meant
  // for (a mounted secret) are in memory or on a local disk. It does not wait on pipes.
  absl::StatusOr<Refreshed> Refresh();

 private:
  struct Content {
    FileIdentity identity;
    bool is_readable_by_anybody = false;
    std::string key;
  };

  explicit ApiKeySource(std::string key);

  static absl::StatusOr<Content> Read(const std::string& path);

  std::shared_ptr<const std::string> key_;  // shared with the requests in flight
  std::string path_;                        // empty: a fixed key
  FileIdentity identity_;                   // of the file when it was last read with success
  bool is_readable_by_anybody_ = false;
  std::string last_reported_error_;  // empty: the last look was fine
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_API_KEY_SOURCE_H_
