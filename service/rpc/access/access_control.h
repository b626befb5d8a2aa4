#ifndef SERVICE_RPC_ACCESS_ACCESS_CONTROL_H_
#define SERVICE_RPC_ACCESS_ACCESS_CONTROL_H_

#include <grpcpp/grpcpp.h>

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
    Metrics& metrics;
    Log& log;
  };

  // Where callers show no certificates: each of them is "local", and may call everything.
  static const AccessControl& ForLocalCallers();

  explicit AccessControl(Dependencies dependencies);

  // Fills in who calls, also if that is all that is found out; an error if it is nobody whom the
  // gateway trusts now, if they may not call `path` ("/package.Service/Method"), or if the callers
  // file has nothing for them.
  std::optional<CallError> Admit(const grpc::ServerContextBase& context, std::string_view path,
                                 AdmittedCaller& caller) const;
  // The same for what does not come by the pipeline, which logs its calls: the services that gRPC
  // brings along, and methods that do not exist. A denial gets a line of its own.
  grpc::Status AdmitBuiltin(const grpc::AuthContext& peer, std::string_view path) const;
  std::optional<CallError> AdmitUnknown(const grpc::ServerContextBase& context,
                                        std::string_view path, AdmittedCaller& caller) const;

  // Whether a caller that was admitted to one method may call `path` too. Counts and logs nothing.
  bool MayCall(std::string_view path, const CallerIdentity& caller) const;

 private:
  AccessControl() = default;

  std::optional<CallError> Admit(const grpc::AuthContext* peer, std::string_view path,
                                 AdmittedCaller& caller) const;
  std::optional<CallError> Check(const grpc::AuthContext* peer, std::string_view path,
                                 AdmittedCaller& caller) const;
  void LogDenial(std::string_view path, const AdmittedCaller& caller, const CallError& error) const;
  std::optional<CallError> Identify(const grpc::AuthContext* peer, CallerIdentity& caller) const;
  void FindEntry(AdmittedCaller& caller) const;
  std::optional<CallError> Authorize(std::string_view path, const CallerIdentity& caller) const;

  std::optional<Dependencies> dependencies_;
  std::optional<CounterFamily> denied_;
  std::optional<CounterFamily> candidate_differences_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_ACCESS_ACCESS_CONTROL_H_
