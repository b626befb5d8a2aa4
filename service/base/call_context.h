#ifndef SERVICE_BASE_CALL_CONTEXT_H_
#define SERVICE_BASE_CALL_CONTEXT_H_

#include <stop_token>
#include <string>
#include <string_view>

#include "service/base/deadline.h"
#include "service/base/trace_context.h"

namespace gateway {

// Who goes first where requests to Passfort have to wait. Reads that reconcile are kReconciliation:
// until they are answered nobody knows what became of a write, and its profile is blocked.
enum class Priority { kNormal, kReconciliation };

// Who makes a call, as its certificate says.
struct CallerIdentity {
  // For metrics and the log: one of few names.
  std::string name;
  // A SPIFFE id or a DNS name; empty where callers show no certificates.
  std::string principal;
};

// What travels down with a piece of work. It lives in the call or session that owns the work and is
// passed by reference, because every frame of a waiting call pays for its size. So whoever makes
// one keeps it until the task that got it has ended: a temporary will do only where the task is
// awaited in the same expression.
struct CallContext {
  Deadline deadline{SteadyTime::max()};
  std::stop_token stop{};
  // Null: the work belongs to no trace, and a request that it sends begins one.
  const TraceContext* trace = nullptr;
  Priority priority = Priority::kNormal;
  // Null: the gateway's own work.
  const CallerIdentity* caller = nullptr;

  // For log lines, as `trace_id`. Empty if there is no trace.
  std::string_view trace_id() const {
    return trace == nullptr ? std::string_view() : trace->trace_id();
  }
  std::string_view principal() const {
    return caller == nullptr ? std::string_view() : caller->principal;
  }
};

}  // namespace gateway

#endif  // SERVICE_BASE_CALL_CONTEXT_H_
