#ifndef SERVICE_CALLERS_CALLERS_FILE_H_
#define SERVICE_CALLERS_CALLERS_FILE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "service/base/watched_file.h"
#include "service/callers/caller_entry.h"

namespace gateway {

// The callers file, read again when it changes: what each caller may use, by its principal. A new
// version changes the limits of an entry, but not what is used of them: the entry of the same name
// keeps its CallerUsage. That of a name that is gone goes with its last place.
class CallersFile {
 public:
  enum class Change { kSame, kNew };

  struct Options {
    // Calls of all callers at a time. A caller that the file gives no places gets a quarter of
    // them.
    size_t max_in_flight = 0;
    // Whether there is a store; without one nobody can have a daily budget.
    bool has_store = false;
  };

  // The file's format and its errors: callers_reader.h. Nobody but its owner may write it.
  static absl::StatusOr<std::unique_ptr<CallersFile>> Open(std::string path, Options options);

  // Null: the file has no entry for the principal and no default. Safe from any thread, beside
  // Refresh() too.
  std::shared_ptr<const CallerEntry> Find(std::string_view principal) const;

  // Looks whether the file has changed and reads it if so; a bad version changes nothing. An error
  // comes once, and not again until the failure is another one or over. One thread at a time, such
  // as an event loop's timer.
  absl::StatusOr<Change> Refresh();

  // Why the file as it is now is not used; empty: it is. Of the thread of Refresh.
  const std::string& last_error() const { return file_.last_error(); }

  // 1 for the first version, and one more with each new one.
  uint64_t generation() const { return Current()->generation; }
  // The beginning of the SHA-256 of the text in hexadecimal, for the log.
  std::string digest() const;

 private:
  using EntryPointer = std::shared_ptr<const CallerEntry>;

  // What is in force at one moment. Never changes.
  struct Version {
    uint64_t generation = 0;
    std::string digest;                                        // of the whole text
    std::map<std::string, EntryPointer, std::less<>> entries;  // by principal
    EntryPointer default_entry;  // null: callers without an entry are refused
  };

  CallersFile(std::string path, Options options);

  std::shared_ptr<const Version> Current() const;
  absl::StatusOr<Version> Read();
  // The entry with the usage that its name has already, if it has.
  EntryPointer KeepUsage(CallerEntry entry);
  void Publish(Version version);

  const Options options_;
  WatchedFile file_;
  // By name. Entries and places own a usage: once they are gone, nothing of it is left to count.
  std::map<std::string, std::weak_ptr<CallerUsage>> usages_;
  // As in AuthorizationPolicyFile: held for the copy of a pointer.
  mutable std::mutex mutex_;
  std::shared_ptr<const Version> current_;  // guarded by mutex_
};

}  // namespace gateway

#endif  // SERVICE_CALLERS_CALLERS_FILE_H_
