#ifndef SERVICE_TLS_FOLDER_WATCH_H_
#define SERVICE_TLS_FOLDER_WATCH_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/base/event_loop.h"

namespace gateway {

// Tells that something has changed in one of some folders: a file written, moved, linked or
// removed. By inotify, so it sees no changes that another machine makes on a network's file system.
// Loop thread only.
class FolderWatch {
 public:
  // `on_change` is called once, and then not until Rearm, however much changes. Fails if the
  // process or its user may have no more of inotify. Folders are watched from Renew on.
  static absl::StatusOr<std::unique_ptr<FolderWatch>> Create(EventLoop& loop,
                                                             std::vector<std::string> folders,
                                                             absl::AnyInvocable<void()> on_change);
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  // Watches what the paths now lead to: a folder may have been replaced, or be back. An error names
  // a folder that cannot be watched; the others are.
  absl::Status Renew();

  // Forgets the changes until now and waits for the next.
  void Rearm();

 private:
  struct Folder {
    std::string path;
    int watch = -1;  // inotify's number of it, which folders at one place share
  };

  FolderWatch(EventLoop& loop, int inotify, std::vector<std::string> folders,
              absl::AnyInvocable<void()> on_change);

  void ForgetIfUnused(int watch);

  const int inotify_;
  std::vector<Folder> folders_;
  absl::AnyInvocable<void()> on_change_;
  std::unique_ptr<DescriptorWatch> changes_;
};

}  // namespace gateway

#endif  // SERVICE_TLS_FOLDER_WATCH_H_
