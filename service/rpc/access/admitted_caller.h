#ifndef SERVICE_RPC_ACCESS_ADMITTED_CALLER_H_
#define SERVICE_RPC_ACCESS_ADMITTED_CALLER_H_

#include <memory>

#include "service/base/call_context.h"
#include "service/callers/caller_entry.h"

namespace gateway {

// Who makes a call, and what the callers file lets them do.
struct AdmittedCaller {
  CallerIdentity identity;
  // Null: there is no such file, and the caller has no limits of its own.
  std::shared_ptr<const CallerEntry> entry;

  // Otherwise the caller shares one with others, or has none.
  bool HasEntryOfItsOwn() const { return entry != nullptr && entry->name != kDefaultCaller; }
};

}  // namespace gateway

#endif  // SERVICE_RPC_ACCESS_ADMITTED_CALLER_H_
