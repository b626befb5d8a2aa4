#include "tests/soak/ledger.h"

#include <algorithm>
#include <utility>

namespace gateway::soak {

int Ledger::Made(const Entry& entry) const {
  const auto applications = passfort_.Applications(entry.profile_id);
  return static_cast<int>(std::ranges::count_if(applications, [&](const FakeApplication& it) {
    return it.made_by == MadeBy::kApi && it.product->alias == entry.product_alias;
  }));
}

bool Ledger::Exists(const Entry& entry, const std::string& application_id) const {
  const auto applications = passfort_.Applications(entry.profile_id);
  return std::ranges::any_of(
      applications, [&](const FakeApplication& it) { return it.id == LowerCase(application_id); });
}

void Ledger::Open(const Entry& entry) {
  const std::lock_guard lock(mutex_);
  ++wanted_[entry.profile_id];
}

void Ledger::Settle(Entry entry, Expected expected) {
  const std::lock_guard lock(mutex_);
  settled_.push_back({std::chrono::steady_clock::now(), std::move(entry), expected});
}

void Ledger::Check(std::chrono::milliseconds age) {
  const auto before = std::chrono::steady_clock::now() - age;
  while (true) {
    std::unique_lock lock(mutex_);
    if (settled_.empty() || settled_.front().at > before) return;
    const Settled settled = std::move(settled_.front());
    settled_.pop_front();
    lock.unlock();
    CheckOne(settled);
  }
}

void Ledger::CheckOne(const Settled& settled) {
  const int made = Made(settled.entry);
  const std::string times = " made " + std::to_string(made) + " times in the end";
  if (made > 1) findings_.Add("applied twice", settled.entry.what + " was" + times);
  if (settled.expected == Expected::kNone && made != 0) {
    findings_.Add("untrue not done", settled.entry.what + " was called not done, and" + times);
  }
  if (settled.expected == Expected::kOne && made != 1) {
    findings_.Add("untrue OK", settled.entry.what + " was answered OK, and" + times);
  }
  const std::lock_guard lock(mutex_);
  made_ += made;
  const auto wanted = wanted_.find(settled.entry.profile_id);
  if (--wanted->second > 0) return;
  wanted_.erase(wanted);
  passfort_.Forget(settled.entry.profile_id);
}

void Ledger::CheckSum() {
  const int created = passfort_.counts().created;
  const std::lock_guard lock(mutex_);
  if (created == made_) return;
  findings_.Add("applied late", "Passfort has made " + std::to_string(created) +
                                    " applications, of which " + std::to_string(made_) +
                                    " belong to somebody: the others came late");
}

int Ledger::made() const {
  const std::lock_guard lock(mutex_);
  return made_;
}

}  // namespace gateway::soak
