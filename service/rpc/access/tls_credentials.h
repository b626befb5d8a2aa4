#ifndef SERVICE_RPC_ACCESS_TLS_CREDENTIALS_H_
#define SERVICE_RPC_ACCESS_TLS_CREDENTIALS_H_

#include <grpcpp/grpcpp.h>

#include <memory>

#include "service/rpc/access/access_control.h"
#include "service/tls/certificate_set.h"
#include "service/tls/client_verifier.h"

namespace gateway {

// TLS with the certificates at `staged`, which gRPC reads again within a second when they change.
// The files are a good set at any moment (CertificateStage): of a bad one gRPC makes a port that
// serves nobody, or ends the process.
std::shared_ptr<grpc::ServerCredentials> TlsCredentials(const CertificatePaths& staged);

// The same, and callers have to show a certificate that `verifier` trusts. `builtin` decides about
// the services that gRPC brings along (reflection, channelz); null if none of them is served:
// asking it costs every call of all services a seventh of its time. Both outlive the credentials.
std::shared_ptr<grpc::ServerCredentials> MutualTlsCredentials(const CertificatePaths& staged,
                                                              ClientVerifier& verifier,
                                                              const AccessControl* builtin);

}  // namespace gateway

#endif  // SERVICE_RPC_ACCESS_TLS_CREDENTIALS_H_
