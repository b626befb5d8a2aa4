#include "service/http/curl_multi_pool.h"

#include <algorithm>

namespace gateway {
namespace {

// A handle with its tables takes some 35 KiB, a transfer as much; walks of this length do not show.
constexpr size_t kTransfersPerMulti = 64;
// They share connections, so all are in one handle; only if the server has HTTP/1.1 alone do these
// many take a connection each.
constexpr size_t kMultiplexedTransfersEach = 10'000;

}  // namespace

CurlMultiPool::Member::Member(CurlMultiPool& pool)
    : multi(pool.loop_, pool.intake_, pool.transfers_each_, pool.idle_timeout_, pool.multiplexing_,
            pool.counts_) {}

CurlMultiPool::CurlMultiPool(EventLoop& loop, ResponseMemory& memory, Milliseconds idle_timeout,
                             CurlMultiLoop::Multiplexing multiplexing, Metrics& metrics)
    : loop_(loop),
      intake_(loop, memory),
      idle_timeout_(idle_timeout),
      multiplexing_(multiplexing),
      transfers_each_(multiplexing == CurlMultiLoop::Multiplexing::kOn ? kMultiplexedTransfersEach
                                                                       : kTransfersPerMulti),
      counts_{.open =
                  metrics.AddGauge("passfort_connections",
                                   "Connections to Passfort, or to its proxy, that are open.")} {
  counts_.open.Set(0);
}

CurlMultiPool::Member& CurlMultiPool::MemberWithCapacity() {
  const auto with_room = std::ranges::find_if(
      members_, [this](const Member& member) { return member.multi.running() < transfers_each_; });
  return with_room != members_.end() ? *with_room : members_.emplace_back(*this);
}

}  // namespace gateway
