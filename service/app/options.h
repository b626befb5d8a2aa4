#ifndef SERVICE_APP_OPTIONS_H_
#define SERVICE_APP_OPTIONS_H_

#include <cstdint>
#include <string_view>

#include "service/app/caller_access.h"
#include "service/config/gateway_config.h"
#include "service/http/curl_http_client.h"
#include "service/idempotency/at_most_once.h"
#include "service/observability/operator_pages.h"
#include "service/passfort/rest_transport.h"
#include "service/passfort/throttled_transport.h"
#include "service/rpc/calls/call_pipeline.h"
#include "service/rpc/grpc_server.h"

namespace gateway {

// What each part gets of the configuration, in the order in which the parts are made. The parts
// know no GatewayConfig: where a setting becomes an option is decided here.

CurlHttpClient::Options HttpOptions(const GatewayConfig& config);
RestTransport::Options RestOptions(const GatewayConfig& config);
ThrottledTransport::Options ThrottleOptions(const GatewayConfig& config);
AtMostOnce::Options ToAtMostOnceOptions(const GatewayConfig& config);
// `max_in_flight` as it was set: a machine with few descriptors does not make a callers file wrong.
CallerAccess::Options AccessOptions(const GatewayConfig& config, int64_t max_in_flight);
CallPipeline::Options PipelineOptions(const GatewayConfig& config);
// `pages` outlives the server.
GrpcServer::Options ServerOptions(const GatewayConfig& config, const CallerAccess& access,
                                  OperatorPages& pages);

// For the log and the status page.

// How callers are known.
std::string_view CallersInWords(const GatewayConfig& config);
// The kind of store; the URL may hold a password.
std::string_view StoreInWords(const GatewayConfig& config);

}  // namespace gateway

#endif  // SERVICE_APP_OPTIONS_H_
