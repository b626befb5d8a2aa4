#ifndef SERVICE_SQL_SQLITE_PLACE_H_
#define SERVICE_SQL_SQLITE_PLACE_H_

#include <sys/types.h>

#include <array>
#include <optional>
#include <string>

#include "absl/status/status.h"

namespace gateway {

// Makes the folder of the SQLite database at `path`, for this user alone, if there is none: a fresh
// volume of Kubernetes is one that a group may write. The folder above it has to be there, and
// remembers the new one on the disk before this returns.
absl::Status MakeSqliteFolder(const std::string& path);

// OK if no other user but root can change the SQLite database at `path`, or put another one in its
// place: the file, what SQLite keeps beside it and their folder belong to this user (the folder to
// root, perhaps), neither group nor others may write them, and none of the files is a symbolic
// link. Files that are not there yet are fine. FAILED_PRECONDITION says what is wrong.
absl::Status CheckSqlitePlace(const std::string& path);

// Notices that an open database has lost its place: its file or its write-ahead log was moved,
// deleted or replaced. What SQLite writes then is on the disk for nobody who opens the path later.
class SqlitePlace {
 public:
  // Of a database that is open, and has a log.
  explicit SqlitePlace(const std::string& path);

  // Two system calls.
  bool IsAsOpened() const;

 private:
  struct Identity {
    dev_t device;
    ino_t inode;

    friend bool operator==(const Identity&, const Identity&) = default;
  };
  static std::optional<Identity> IdentityOf(const std::string& path);

  std::array<std::string, 2> paths_;
  std::array<std::optional<Identity>, 2> opened_;
};

}  // namespace gateway

#endif  // SERVICE_SQL_SQLITE_PLACE_H_
