#ifndef SERVICE_IDEMPOTENCY_FAILPOINTS_H_
#define SERVICE_IDEMPOTENCY_FAILPOINTS_H_

#include <string>

#ifdef GATEWAY_FAILPOINTS
#include <functional>
#include <utility>
#endif

namespace gateway {

// The points of a session at which a crash leaves something different behind.
enum class FailPointId {
  kBeforeClaim,      // nothing is in the store
  kAfterClaim,       // the claim is; Passfort was not asked for anything
  kAfterIntent,      // the intent is; the body was not let out
  kAfterAttempt,     // the attempt has ended; the store does not know how
  kBeforeReconcile,  // the outcome is not known
  kBeforeRelease,    // nothing was executed, and the store does not know that
  kAfterFinish,      // the response is in the store; the caller does not have it
  kBeforeSettle,     // a settlement was checked; the store does not know of it
};

// Failpoints: tests can kill or stop the process at a step of the session of a request_id. In a
// release build there is nothing to set and nothing that is called.
#ifdef GATEWAY_FAILPOINTS
class FailPoints {
 public:
  using Hook = std::function<void(FailPointId step, const std::string& request_id)>;

  FailPoints() = default;
  explicit FailPoints(Hook hook) : hook_(std::move(hook)) {}
  void operator()(FailPointId step, const std::string& request_id) const {
    if (hook_) hook_(step, request_id);
  }

 private:
  Hook hook_;
};
#else
struct FailPoints {
  void operator()(FailPointId, const std::string&) const {}
};
#endif

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_FAILPOINTS_H_
