#include "service/rpc/access/access_control.h"

#include <grpc/grpc_security_constants.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "service/authorization/authorization_policy_file.h"
#include "service/base/trace_context.h"
#include "service/callers/callers_file.h"
#include "service/observability/log.h"
#include "service/rpc/access/access_errors.h"
#include "service/rpc/calls/call_line.h"
#include "service/rpc/calls/call_trace.h"
#include "service/tls/client_verifier.h"

namespace gateway {
namespace {

// Callers without a certificate. All but those whom the callers file names are kDefaultCaller.
constexpr const char* kLocalCaller = "local";

// Of a path that a caller made up.
constexpr size_t kMaxShownPath = 200;

std::string_view RuleName(std::string_view rule) { return rule.empty() ? "none" : rule; }

std::string_view FirstValue(const grpc::AuthContext& peer, const char* property) {
  const std::vector<grpc::string_ref> values = peer.FindPropertyValues(property);
  return values.empty() ? std::string_view()
                        : std::string_view(values.front().data(), values.front().size());
}

}  // namespace

const AccessControl& AccessControl::ForLocalCallers() {
  static const AccessControl& local = *new AccessControl();
  return local;
}

AccessControl::AccessControl(Dependencies dependencies)
    : dependencies_(dependencies),
      denied_(dependencies.metrics.AddCounter(
          "passfort_gateway_denied_calls_total",
          "Calls that the authorization policy, the lack of an entry in the callers file or a "
          "certificate's end did not let in.",
          {"reason"})),
      candidate_differences_(dependencies.metrics.AddCounter(
          "passfort_gateway_candidate_policy_differences_total",
          "Calls that the candidate of the authorization policy would judge differently.",
          {"candidate"})) {}

std::optional<CallError> AccessControl::Admit(const grpc::ServerContextBase& context, Call call,
                                              AdmittedCaller& caller) const {
  if (!dependencies_.has_value()) {
    caller.identity.name = kLocalCaller;
    return std::nullopt;
  }
  const auto peer = context.auth_context();
  return Admit(peer.get(), call, caller);
}

std::optional<CallError> AccessControl::AdmitUnknown(const grpc::ServerContextBase& context,
                                                     Call call, AdmittedCaller& caller) const {
  auto denial = Admit(context, call, caller);
  if (denial.has_value()) LogDenial(call, caller, *denial);
  return denial;
}

bool AccessControl::MayCall(std::string_view path, const CallerIdentity& caller) const {
  if (!dependencies_.has_value() || dependencies_->policies == nullptr) return true;
  return dependencies_->policies->Current()->Decide(caller.principal, path).policy.allowed;
}

grpc::Status AccessControl::AdmitBuiltin(const grpc::AuthContext& peer, std::string_view path,
                                         const Metadata& metadata) const {
  auto denial = AdmitBuiltin(&peer, path, metadata);
  return denial.has_value() ? denial->status : grpc::Status::OK;
}

std::optional<CallError> AccessControl::AdmitBuiltin(const grpc::ServerContextBase& context,
                                                     std::string_view path) const {
  if (!dependencies_.has_value()) return std::nullopt;
  const auto peer = context.auth_context();
  return AdmitBuiltin(peer.get(), path, context.client_metadata());
}

std::optional<CallError> AccessControl::AdmitBuiltin(const grpc::AuthContext* peer,
                                                     std::string_view path,
                                                     const Metadata& metadata) const {
  const TraceContext trace = TraceOf(metadata, dependencies_->trace_ids);
  const Call call{.path = path, .trace_id = trace.trace_id()};
  AdmittedCaller caller;
  auto denial = Admit(peer, call, caller);
  if (denial.has_value()) LogDenial(call, caller, *denial);
  return denial;
}

void AccessControl::LogDenial(Call call, const AdmittedCaller& caller,
                              const CallError& error) const {
  std::vector<LogField> fields = {{"method", call.path.substr(0, kMaxShownPath)},
                                  {"reason", error.reason}};
  for (const auto& [name, value] : error.log_fields) fields.push_back({name, value});
  fields.push_back({"trace_id", call.trace_id});
  fields.push_back({"caller", CallerInLog(caller.identity)});
  if (caller.HasEntryOfItsOwn()) fields.push_back({"caller_name", caller.identity.name});
  dependencies_->log.Write(LogLevel::kInfo, "call denied that is for none of our methods", fields);
}

std::optional<CallError> AccessControl::Admit(const grpc::AuthContext* peer, Call call,
                                              AdmittedCaller& caller) const {
  auto denial = Check(peer, call, caller);
  if (denial.has_value()) denied_->Increment({denial->reason});
  return denial;
}

std::optional<CallError> AccessControl::Check(const grpc::AuthContext* peer, Call call,
                                              AdmittedCaller& caller) const {
  if (auto denial = Identify(peer, caller.identity)) return denial;
  // Before the policy, so that a call that is denied counts under its caller's name.
  FindEntry(caller);
  if (auto denial = Authorize(call, caller.identity)) return denial;
  if (dependencies_->callers != nullptr && caller.entry == nullptr) {
    return CallerWithoutEntryError(call.path, caller.identity);
  }
  return std::nullopt;
}

std::optional<CallError> AccessControl::Identify(const grpc::AuthContext* peer,
                                                 CallerIdentity& caller) const {
  caller.name = kDefaultCaller;
  if (peer == nullptr) return CallerCertificateExpiredError("the connection has none");
  auto client = dependencies_->verifier.Verify(
      FirstValue(*peer, GRPC_X509_PEM_CERT_PROPERTY_NAME),
      FirstValue(*peer, GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME), absl::Now());
  if (!client.ok()) return CallerCertificateExpiredError(std::string(client.status().message()));
  caller.principal = std::move(client->principal);
  return std::nullopt;
}

void AccessControl::FindEntry(AdmittedCaller& caller) const {
  if (dependencies_->callers == nullptr) return;
  caller.entry = dependencies_->callers->Find(caller.identity.principal);
  if (caller.entry != nullptr) caller.identity.name = caller.entry->name;
}

std::optional<CallError> AccessControl::Authorize(Call call, const CallerIdentity& caller) const {
  if (dependencies_->policies == nullptr) return std::nullopt;
  const auto version = dependencies_->policies->Current();
  const auto decision = version->Decide(caller.principal, call.path);
  if (decision.differing_candidate.has_value()) {
    const std::string_view verdict =
        decision.differing_candidate->allowed ? "would allow" : "would deny";
    candidate_differences_->Increment({verdict});
    dependencies_->log.Info("the candidate of the authorization policy decides otherwise",
                            {{"candidate", verdict},
                             {"rule", RuleName(decision.differing_candidate->rule)},
                             {"method", call.path.substr(0, kMaxShownPath)},
                             {"trace_id", call.trace_id},
                             {"caller", caller.principal}});
  }
  if (decision.policy.allowed) return std::nullopt;
  return CallerNotAllowedError(call.path, caller, std::string(RuleName(decision.policy.rule)),
                               std::string(version->policy().digest()));
}

}  // namespace gateway
