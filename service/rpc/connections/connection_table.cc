#include "service/rpc/connections/connection_table.h"

#include <sys/stat.h>

#include <optional>

namespace gateway {
namespace {

std::optional<ino_t> InodeOf(int descriptor) {
  struct stat file = {};
  if (fstat(descriptor, &file) != 0) return std::nullopt;
  return file.st_ino;
}

}  // namespace

FairShares::Result ConnectionTable::Add(int descriptor, const std::string& address) {
  const auto inode = InodeOf(descriptor);
  if (!inode.has_value()) return FairShares::Result::kFull;
  FairShares::Result result = shares_.Take(address);
  if (result != FairShares::Result::kTaken) {
    RemoveEnded();
    result = shares_.Take(address);
  }
  if (result == FairShares::Result::kTaken) {
    entries_.push_back({.descriptor = descriptor, .inode = *inode, .address = address});
  }
  return result;
}

void ConnectionTable::RemoveEnded() {
  std::erase_if(entries_, [this](const Entry& entry) {
    if (InodeOf(entry.descriptor) == entry.inode) return false;
    shares_.Give(entry.address);
    return true;
  });
}

}  // namespace gateway
