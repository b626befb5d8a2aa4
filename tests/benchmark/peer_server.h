#ifndef TESTS_BENCHMARK_PEER_SERVER_H_
#define TESTS_BENCHMARK_PEER_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "passfort/gateway/v1/product_application.pb.h"

namespace gateway::benchmark {

namespace pb = ::passfort::gateway::v1;

// What the gateway's peers in the benchmark have in common.

// The calls that a peer answered with OK. The load generator does not look at grpc-status, so the
// runner compares this with the number of calls made.
using AnsweredCalls = std::atomic<std::uint64_t>;

// The product application in the JSON file `path`. Nothing if there is none.
std::optional<pb::ProductApplication> ProductApplicationInFile(const std::string& path);

// Serves `service` on a free port of the loopback interface until SIGTERM or SIGINT, and returns
// the process's exit code. Writes one JSON line to stdout when it serves (`listen` has the address)
// and one when it has stopped (`answered` has the count). Call it from main, before other threads
// start.
int ServeUntilSignal(grpc::ServerBuilder& builder, grpc::Service& service,
                     const AnsweredCalls& answered);

}  // namespace gateway::benchmark

#endif  // TESTS_BENCHMARK_PEER_SERVER_H_
