#include "service/tls/folder_watch.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

constexpr uint32_t kChanges = IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_DELETE_SELF |
                              IN_MOVED_FROM | IN_MOVED_TO | IN_MOVE_SELF | IN_ONLYDIR;
// Whoever changes files without pause must not keep the loop here.
constexpr int kMaxReads = 64;
constexpr size_t kReadBytes = 16 * 1024;

}  // namespace

absl::StatusOr<std::unique_ptr<FolderWatch>> FolderWatch::Create(
    EventLoop& loop, std::vector<std::string> folders, absl::AnyInvocable<void()> on_change) {
  const int inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (inotify < 0) {
    return absl::ResourceExhaustedError(absl::StrCat("start inotify: ", strerror(errno)));
  }
  return std::unique_ptr<FolderWatch>(
      new FolderWatch(loop, inotify, std::move(folders), std::move(on_change)));
}

FolderWatch::FolderWatch(EventLoop& loop, int inotify, std::vector<std::string> folders,
                         absl::AnyInvocable<void()> on_change)
    : inotify_(inotify), on_change_(std::move(on_change)) {
  for (std::string& path : folders) folders_.push_back({.path = std::move(path)});
  changes_ = std::make_unique<DescriptorWatch>(loop, inotify_, [this](unsigned /*events*/) {
    changes_->SetInterest(DescriptorWatch::kNone);
    on_change_();
  });
  Rearm();
}

FolderWatch::~FolderWatch() {
  changes_.reset();
  close(inotify_);
}

absl::Status FolderWatch::Renew() {
  absl::Status result;
  for (Folder& folder : folders_) {
    // The same number again for what is watched already.
    const int watch = inotify_add_watch(inotify_, folder.path.c_str(), kChanges);
    if (watch < 0) {
      result.Update(absl::UnavailableError(
          absl::StrCat("watch the folder ", folder.path, ": ", strerror(errno))));
    }
    const int before = std::exchange(folder.watch, watch);
    if (before != watch) ForgetIfUnused(before);
  }
  return result;
}

void FolderWatch::ForgetIfUnused(int watch) {
  const bool is_used =
      std::ranges::any_of(folders_, [watch](const Folder& f) { return f.watch == watch; });
  // It may be gone already, with its folder.
  if (watch >= 0 && !is_used) inotify_rm_watch(inotify_, watch);
}

void FolderWatch::Rearm() {
  std::array<char, kReadBytes> events;
  for (int i = 0; i < kMaxReads && read(inotify_, events.data(), events.size()) > 0; ++i) {
  }
  changes_->SetInterest(DescriptorWatch::kReadable);
}

}  // namespace gateway
