#ifndef TESTS_SOAK_REPLICA_H_
#define TESTS_SOAK_REPLICA_H_

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/soak/findings.h"
#include "tests/soak/process_sample.h"
#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"

namespace gateway::soak {

// One gateway, and its successors in its place. What the main thread does with it, the callers can
// tell from the outside only by `Look` and `CutShortBy`.
class Replica {
 public:
  // How a process ended, or is about to.
  enum class Ending { kNone, kDrained, kKilled };

  // The place at a moment.
  struct View {
    std::shared_ptr<const GatewayCaller> caller;
    int drained = 0;
    int killed = 0;
    Ending ending = Ending::kNone;  // kNone: it serves
  };

  // `findings` outlives the replica. Serves when this returns.
  Replica(std::string name, GatewayProcess::Settings settings, Findings& findings);

  const std::string& name() const { return name_; }

  // Any thread. What may have cut a call short that began at the time of `before`.
  View Look() const;
  Ending CutShortBy(const View& before) const;

  // The others are the main thread's.

  // Ends the process and waits for that; SIGTERM must let it end by itself and well, with nothing
  // leaked where the process looks for that.
  void Stop(int signal);
  // The successor of a process that was stopped.
  void Start();
  void Restart(int signal);
  int restarts() const { return restarts_; }

  // What the process holds now. One that has ended by itself is a finding, and gets a successor.
  ProcessSample Sample();
  // Looks through what was logged since the last time: nothing secret may be there.
  void ReadLog();
  // Lines of level warn and error, by message.
  const std::map<std::string, int>& complaints() const { return complaints_; }

 private:
  void Finish(int expected_exit);

  const std::string name_;
  const GatewayProcess::Settings settings_;
  Findings& findings_;
  std::unique_ptr<GatewayProcess> process_;
  int restarts_ = 0;
  std::map<std::string, int> complaints_;
  std::deque<std::string> last_words_;  // what is no log line, such as a sanitizer's report

  mutable std::mutex mutex_;
  View now_;  // guarded by mutex_
};

}  // namespace gateway::soak

#endif  // TESTS_SOAK_REPLICA_H_
