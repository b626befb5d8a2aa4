#ifndef SERVICE_RPC_OPERATIONS_VALIDATION_H_
#define SERVICE_RPC_OPERATIONS_VALIDATION_H_

#include <string>

#include "passfort/gateway/operations/v1/operations_service.pb.h"
#include "service/idempotency/settler.h"
#include "service/idempotency/store/record_store.h"
#include "service/rpc/request_validation.h"

namespace gateway {

namespace operations_pb = ::passfort::gateway::operations::v1;

inline constexpr int kDefaultPageSize = 50;
inline constexpr int kMaxPageSize = 100;
inline constexpr int kMaxNotOurs = 100;

// A settlement as it was asked for; who asks is not in the request.
struct SettlementDraft {
  std::string request_id;
  PersonsWord word;
  // Which operation's outcome it can be. Empty: any.
  std::string operation;
};

Validated<RecordStore::UnresolvedQuery> ValidateListUnresolved(
    const operations_pb::ListUnresolvedRequestsRequest& request);
// A request_id.
Validated<std::string> ValidateGetRequest(const operations_pb::GetRequestRequest& request);
Validated<SettlementDraft> ValidateSettleRequest(
    const operations_pb::SettleRequestRequest& request);

// The token of the page that follows a full one.
std::string PageTokenAfter(const Record& last, operations_pb::RequestState state);

}  // namespace gateway

#endif  // SERVICE_RPC_OPERATIONS_VALIDATION_H_
