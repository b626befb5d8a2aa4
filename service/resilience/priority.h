#ifndef SERVICE_RESILIENCE_PRIORITY_H_
#define SERVICE_RESILIENCE_PRIORITY_H_

namespace gateway {

// Who goes first where requests to Passfort have to wait. Reads that reconcile are kReconciliation:
// until they are answered nobody knows what became of a write, and its profile is blocked.
enum class Priority { kNormal, kReconciliation };

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_PRIORITY_H_
