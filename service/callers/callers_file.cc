#include "service/callers/callers_file.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "service/base/sha256.h"
#include "service/callers/callers_reader.h"

namespace gateway {
namespace {

constexpr size_t kShownDigits = 16;

}  // namespace

CallersFile::CallersFile(std::string path, Options options)
    : options_(options),
      file_({.path = std::move(path), .what = "callers file", .max_bytes = kMaxCallersBytes}) {}

absl::StatusOr<std::unique_ptr<CallersFile>> CallersFile::Open(std::string path, Options options) {
  std::unique_ptr<CallersFile> file(new CallersFile(std::move(path), options));
  absl::StatusOr<Version> version = file->Read();
  if (!version.ok()) return version.status();
  version->generation = 1;
  file->Publish(*std::move(version));
  return file;
}

std::shared_ptr<const CallersFile::Version> CallersFile::Current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

std::shared_ptr<const CallerEntry> CallersFile::Find(std::string_view principal) const {
  const std::shared_ptr<const Version> version = Current();
  const auto entry = version->entries.find(principal);
  return entry == version->entries.end() ? version->default_entry : entry->second;
}

absl::StatusOr<CallersFile::Change> CallersFile::Refresh() {
  if (file_.IsUnchanged()) return Change::kSame;
  absl::StatusOr<Version> version = Read();
  if (!version.ok()) {
    if (!file_.IsNewError(version.status())) return Change::kSame;
    return version.status();
  }
  const std::shared_ptr<const Version> old = Current();
  if (version->digest == old->digest) return Change::kSame;
  version->generation = old->generation + 1;
  Publish(*std::move(version));
  return Change::kNew;
}

std::string CallersFile::digest() const { return Current()->digest.substr(0, kShownDigits); }

absl::StatusOr<CallersFile::Version> CallersFile::Read() {
  return file_.Read([this](std::string_view text) -> absl::StatusOr<Version> {
    absl::StatusOr<CallersText> read = ReadCallers(
        text, {.max_in_flight = options_.max_in_flight, .has_store = options_.has_store});
    if (!read.ok()) return read.status();
    Version version{.digest = absl::BytesToHexString(Sha256(text))};
    for (CallersText::Caller& caller : read->callers) {
      const EntryPointer entry = KeepUsage(std::move(caller.entry));
      for (std::string& principal : caller.principals) {
        version.entries.emplace(std::move(principal), entry);
      }
    }
    if (read->default_entry.has_value()) {
      version.default_entry = KeepUsage(*std::move(read->default_entry));
    }
    return version;
  });
}

CallersFile::EntryPointer CallersFile::KeepUsage(CallerEntry entry) {
  std::weak_ptr<CallerUsage>& kept = usages_[entry.name];
  if (auto usage = kept.lock()) {
    entry.usage = std::move(usage);
  } else {
    kept = entry.usage;
  }
  return std::make_shared<const CallerEntry>(std::move(entry));
}

void CallersFile::Publish(Version version) {
  auto next = std::make_shared<const Version>(std::move(version));
  {
    const std::lock_guard lock(mutex_);
    current_.swap(next);
  }
  // Without the lock: the old version may free much, if this is its last owner.
  next.reset();
  std::erase_if(usages_, [](const auto& usage) { return usage.second.expired(); });
}

}  // namespace gateway
