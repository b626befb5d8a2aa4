#ifndef TESTS_SOAK_LEDGER_H_
#define TESTS_SOAK_LEDGER_H_

#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/soak/findings.h"

namespace gateway::soak {

// Holds what Passfort has made against what callers were told, for good: an intent is looked at
// again when all that could still be made late is long made, and forgotten then, here and at
// fake-passfort, so that hours of it cost no memory. Any thread.
class Ledger {
 public:
  enum class Expected { kNone, kAtMostOne, kOne };

  // One application, wanted by one call or under one request_id. On one profile every product is
  // wanted once.
  struct Entry {
    std::string what;  // in words, for findings
    std::string profile_id;
    std::string product_alias;
  };

  // Both outlive the ledger.
  Ledger(FakePassfort& passfort, Findings& findings) : passfort_(passfort), findings_(findings) {}

  // How many Passfort has made by now on our behalf.
  int Made(const Entry& entry) const;
  // Whether one of the profile's applications, whoever made it, has this id.
  bool Exists(const Entry& entry, const std::string& application_id) const;

  // Somebody wants it; a profile is kept while there is such a one.
  void Open(const Entry& entry);
  // Nobody asks for it any more.
  void Settle(Entry entry, Expected expected);

  // Looks at those that were settled at least `age` ago.
  void Check(std::chrono::milliseconds age);
  // After the last check: Passfort has made nothing beyond what was looked at.
  void CheckSum();

  // Applications that were looked at.
  int made() const;

 private:
  struct Settled {
    std::chrono::steady_clock::time_point at;
    Entry entry;
    Expected expected;
  };

  void CheckOne(const Settled& settled);

  FakePassfort& passfort_;
  Findings& findings_;
  mutable std::mutex mutex_;
  std::map<std::string, int> wanted_;  // guarded by mutex_: of each profile, not yet looked at
  std::deque<Settled> settled_;        // guarded by mutex_
  int made_ = 0;                       // guarded by mutex_
};

}  // namespace gateway::soak

#endif  // TESTS_SOAK_LEDGER_H_
