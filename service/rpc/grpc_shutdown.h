#ifndef SERVICE_RPC_GRPC_SHUTDOWN_H_
#define SERVICE_RPC_GRPC_SHUTDOWN_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <future>
#include <thread>
#include <utility>

namespace gateway {

// Ends a server whose own calls are all finished; what gRPC itself still serves is cut after
// `grace`. False if that took longer than `longest`, as was seen: gRPC's threads then still use the
// server, which must be left alive.
inline bool ShutDownWithin(grpc::Server& server, std::chrono::seconds grace,
                           std::chrono::seconds longest) {
  std::promise<void> ended;
  const auto has_ended = ended.get_future();
  std::thread([&server, grace, ended = std::move(ended)]() mutable {
    server.Shutdown(std::chrono::system_clock::now() + grace);
    ended.set_value();
  }).detach();
  return has_ended.wait_for(longest) == std::future_status::ready;
}

}  // namespace gateway

#endif  // SERVICE_RPC_GRPC_SHUTDOWN_H_
