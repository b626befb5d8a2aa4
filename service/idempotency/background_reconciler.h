#ifndef SERVICE_IDEMPOTENCY_BACKGROUND_RECONCILER_H_
#define SERVICE_IDEMPOTENCY_BACKGROUND_RECONCILER_H_

#include <deque>
#include <functional>
#include <stop_token>
#include <string>

#include "service/base/task.h"
#include "service/idempotency/write_session.h"

namespace gateway {

// Reconciles, in the background, what calls left unresolved: records that are sent and past their
// lease, of any process, also of one that died. It only reads Passfort and never sends. It looks at
// the store at one pace, whatever happens: whoever waits for a record looks by himself. Loop thread
// only.
class BackgroundReconciler {
 public:
  struct Options {
    // From the end of one round to the next.
    Milliseconds poll_interval;
  };

  // `is_active` tells whether a session of this process works on a record. All dependencies outlive
  // `Run`.
  BackgroundReconciler(SessionDependencies dependencies, Options options,
                       std::function<bool(const std::string& request_id)> is_active);

  // Runs until `stop` is requested.
  Task<void> Run(std::stop_token stop);

 private:
  Task<void> Sweep(std::stop_token stop);
  Task<void> LookAtOverdue(std::stop_token stop);
  Task<void> ReconcileAll(std::deque<Record> due, std::stop_token stop);
  Task<void> ReconcileNext(std::deque<Record>& due, int& lookers, std::stop_source all_done,
                           std::stop_token stop);

  const SessionDependencies dependencies_;
  const Options options_;
  const std::function<bool(const std::string& request_id)> is_active_;
  // Where the next round goes on, so that none waits for ever behind those that cannot be settled.
  RecordStore::Cursor after_;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_BACKGROUND_RECONCILER_H_
