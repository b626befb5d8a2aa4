#ifndef SERVICE_RPC_CALLS_CALL_TRACE_H_
#define SERVICE_RPC_CALLS_CALL_TRACE_H_

#include <grpcpp/grpcpp.h>

#include <map>

#include "service/base/trace_context.h"

namespace gateway {

// The trace that a call's metadata names, or a new one where it names none. Two of `traceparent`
// are as invalid as a broken one; several of `tracestate` are parts of one list.
TraceContext TraceOf(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata,
                     TraceIds& ids);

}  // namespace gateway

#endif  // SERVICE_RPC_CALLS_CALL_TRACE_H_
