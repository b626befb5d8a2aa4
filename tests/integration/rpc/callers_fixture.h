#ifndef TESTS_INTEGRATION_RPC_CALLERS_FIXTURE_H_
#define TESTS_INTEGRATION_RPC_CALLERS_FIXTURE_H_

#include <grpcpp/grpcpp.h>

#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "service/authorization/authorization_policy_file.h"
#include "service/callers/callers_file.h"
#include "service/rpc/access/access_control.h"
#include "service/rpc/access/served_methods.h"
#include "service/rpc/access/tls_credentials.h"
#include "service/tls/client_verifier.h"
#include "tests/integration/rpc/rpc_fixture.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificates.h"

namespace gateway {

inline constexpr char kOnboarding[] = "spiffe://example.org/sa/onboarding";
inline constexpr char kSupport[] = "spiffe://example.org/sa/support";
// In no callers file of these tests.
inline constexpr char kStranger[] = "spiffe://example.org/sa/stranger";

// A callers file in which onboarding and support have entries of their own, with these limits in
// JSON, for example R"("max_in_flight": 1)". `others` is the whole default.
inline std::string CallersJson(const std::string& of_onboarding, const std::string& of_support = "",
                               const std::string& others = "null") {
  const auto entry = [](const char* name, const char* principal, const std::string& limits) {
    return absl::StrCat(R"({"name": ")", name, R"(", "principals": [")", principal, R"("])",
                        limits.empty() ? "" : ", ", limits, "}");
  };
  return absl::StrCat(R"({"callers": [)", entry("onboarding", kOnboarding, of_onboarding), ", ",
                      entry("support", kSupport, of_support), R"(], "default": )", others, "}");
}

// A server that asks its callers for certificates, and looks into a callers file for what they may.
class CallersFixture {
 public:
  // An empty policy lets everybody call everything.
  explicit CallersFixture(const std::string& callers_json, const std::string& policy_json = "",
                          CallPipeline::Options options = SomeOptions())
      : callers_(*CallersFile::Open(Write("callers.json", callers_json),
                                    {.max_in_flight = options.max_in_flight, .has_store = true})),
        policy_(policy_json.empty() ? nullptr
                                    : *AuthorizationPolicyFile::Open(
                                          Write("policy.json", policy_json), ServedMethods())),
        access_({.verifier = verifier_,
                 .policies = policy_.get(),
                 .callers = callers_.get(),
                 .trace_ids = trace_ids_,
                 .metrics = access_metrics_,
                 .log = access_log_}),
        rpc(options, ServerOptions(), access_) {}

  // A connection of its own.
  std::shared_ptr<grpc::Channel> ConnectAs(const std::string& principal) const {
    const TlsIdentity identity =
        authority_.IssueFor({.names = {{.kind = AlternativeName::Kind::kUri, .value = principal}},
                             .extended_key_usage = "clientAuth"});
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(
        rpc.address(),
        grpc::SslCredentials({.pem_root_certs = authority_.certificate_pem(),
                              .pem_private_key = identity.key_pem,
                              .pem_cert_chain = identity.certificate_pem}),
        arguments);
  }

  Answered AddAs(const std::string& principal,
                 const pb::AddProductApplicationRequest& request = ARequest()) const {
    return Add(ConnectAs(principal), request);
  }
  // Over one connection, without a new handshake for each call.
  static Answered Add(const std::shared_ptr<grpc::Channel>& channel,
                      const pb::AddProductApplicationRequest& request = ARequest()) {
    Answered answered;
    Call(answered, [&](grpc::ClientContext& context) {
      return pb::ProductApplicationService::NewStub(channel)->AddProductApplication(
          &context, request, &answered.response);
    });
    return answered;
  }
  std::future<Answered> StartAddAs(const std::string& principal) const {
    return std::async(std::launch::async, [this, principal] { return AddAs(principal); });
  }
  Answered CreateAs(const std::string& principal, const pb::CreateProfileRequest& request) const {
    Answered answered;
    Call(answered, [&](grpc::ClientContext& context) {
      pb::CreateProfileResponse response;
      return pb::ProfileService::NewStub(ConnectAs(principal))
          ->CreateProfile(&context, request, &response);
    });
    return answered;
  }
  // `call` makes one call with the context that it is given.
  static void Call(Answered& answered,
                   const std::function<grpc::Status(grpc::ClientContext&)>& call) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kTestBound);
    context.set_wait_for_ready(true);
    answered.status = call(context);
    answered.trailers = Received(answered.status, context).trailers;
  }

 private:
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.File(name)) << text;
    return folder_.File(name);
  }

  GrpcServer::Options ServerOptions() {
    const TlsIdentity server = authority_.Issue({"127.0.0.1"});
    GrpcServer::Options options = SomeServerOptions();
    EXPECT_TRUE(verifier_.SetBundle(authority_.certificate_pem()).ok());
    options.credentials =
        MutualTlsCredentials({.cert_file = Write("tls.crt", server.certificate_pem),
                              .key_file = Write("tls.key", server.key_pem),
                              .client_ca_file = Write("ca.crt", authority_.certificate_pem())},
                             verifier_, &access_);
    return options;
  }

  const TemporaryFolder folder_;
  const TestAuthority authority_;
  ClientVerifier verifier_{""};
  std::unique_ptr<CallersFile> callers_;
  std::unique_ptr<AuthorizationPolicyFile> policy_;  // null: there is none
  const std::unique_ptr<RandomSource> random_ = MakeSystemRandom();
  TraceIds trace_ids_{*random_};
  Metrics access_metrics_;
  RecordingLog access_log_;
  const AccessControl access_;

 public:
  RpcFixture rpc;
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_RPC_CALLERS_FIXTURE_H_
