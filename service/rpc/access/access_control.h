#ifndef SERVICE_RPC_ACCESS_ACCESS_CONTROL_H_
#define SERVICE_RPC_ACCESS_ACCESS_CONTROL_H_

#include <grpcpp/grpcpp.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "service/observability/metrics.h"
#include "service/rpc/access/admitted_caller.h"
#include "service/rpc/call_error.h"

namespace gateway {

class AuthorizationPolicyFile;
class CallersFile;
class ClientVerifier;
class Log;
class TraceIds;

// Who makes a call, and whether they may: the first thing that is asked of every call. Safe from
// any thread.
class AccessControl {
 public:
  // All of them outlive the access control.
  struct Dependencies {
    ClientVerifier& verifier;
    // Null: who has a valid certificate may call everything.
    const AuthorizationPolicyFile* policies = nullptr;
    const CallersFile* callers = nullptr;  // null: callers have no limits of their own
    // Of the calls that name no trace themselves.
    TraceIds& trace_ids;
    Metrics& metrics;
    Log& log;
  };
  // As log lines tell of it.
  struct Call {
    std::string_view path;  // "/package.Service/Method"
    std::string_view trace_id;
  };

  // Where callers show no certificates: each of them is "local", and may call everything.
  static const AccessControl& ForLocalCallers();

  explicit AccessControl(Dependencies dependencies);

  // Fills in who calls, also if that is all that is found out; an error if it is nobody whom the
  // gateway trusts now, if they may not call `call.path`, or if the callers file has nothing for
  // them.
  std::optional<CallError> Admit(const grpc::ServerContextBase& context, Call call,
                                 AdmittedCaller& caller) const;
  // The same for what is none of our methods: a denial gets a line of its own, which tells what
  // the caller asked for.
  std::optional<CallError> AdmitUnknown(const grpc::ServerContextBase& context, Call call,
                                        AdmittedCaller& caller) const;
  // Likewise, for the services that gRPC brings along.
  using Metadata = std::multimap<grpc::string_ref, grpc::string_ref>;
  grpc::Status AdmitBuiltin(const grpc::AuthContext& peer, std::string_view path,
                            const Metadata& metadata) const;
  std::optional<CallError> AdmitBuiltin(const grpc::ServerContextBase& context,
                                        std::string_view path) const;

  // Whether a caller that was admitted to one method may call `path` too. Counts and logs nothing.
  bool MayCall(std::string_view path, const CallerIdentity& caller) const;

 private:
  AccessControl() = default;

  std::optional<CallError> Admit(const grpc::AuthContext* peer, Call call,
                                 AdmittedCaller& caller) const;
  std::optional<CallError> AdmitBuiltin(const grpc::AuthContext* peer, std::string_view path,
                                        const Metadata& metadata) const;
  std::optional<CallError> Check(const grpc::AuthContext* peer, Call call,
                                 AdmittedCaller& caller) const;
  void LogDenial(Call call, const AdmittedCaller& caller, const CallError& error) const;
  std::optional<CallError> Identify(const grpc::AuthContext* peer, CallerIdentity& caller) const;
  void FindEntry(AdmittedCaller& caller) const;
  std::optional<CallError> Authorize(Call call, const CallerIdentity& caller) const;

  std::optional<Dependencies> dependencies_;
  std::optional<CounterFamily> denied_;
  std::optional<CounterFamily> candidate_differences_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_ACCESS_ACCESS_CONTROL_H_
