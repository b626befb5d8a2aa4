#ifndef SERVICE_RPC_OPERATIONS_REPLY_H_
#define SERVICE_RPC_OPERATIONS_REPLY_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "passfort/gateway/operations/v1/operations_service.pb.h"
#include "service/idempotency/settler.h"
#include "service/rpc/call_error.h"
#include "service/rpc/outcome_to_grpc.h"

namespace gateway {

namespace operations_pb = ::passfort::gateway::operations::v1;

// Records as the operations service shows them, and the errors of its calls. Pure functions.

// Times of the store's clock are shown by the gateway's, which says `now`.
operations_pb::Request ToRequest(const Record& record, absl::Time now, Milliseconds settle_window);

// Of a request_id that the store does not know, or that is none of the caller's.
CallError RequestNotFoundError(std::string_view request_id);
CallError StoreError(const absl::Status& why);
// What a settlement came to, unless it is a SettledRecord. `call` has the request_id.
CallError ToSettlementError(const SettlementResult& result, const CallInfo& call);

}  // namespace gateway

#endif  // SERVICE_RPC_OPERATIONS_REPLY_H_
