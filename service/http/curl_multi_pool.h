#ifndef SERVICE_HTTP_CURL_MULTI_POOL_H_
#define SERVICE_HTTP_CURL_MULTI_POOL_H_

#include <cstddef>
#include <cstdint>
#include <deque>

#include "service/base/deadline.h"
#include "service/base/event_loop.h"
#include "service/http/curl_multi_loop.h"
#include "service/http/curl_resolve_cache.h"
#include "service/http/response_intake.h"
#include "service/http/response_memory.h"
#include "service/observability/metrics.h"

namespace gateway {

// As many multi handles as the transfers at a time need, each with few of them. libcurl walks
// through the connections of a multi handle when a transfer looks for one, and again when it ends:
// with thousands in one handle that was half of the gateway's CPU time. Loop thread only.
class CurlMultiPool {
 public:
  struct Member {
    explicit Member(CurlMultiPool& pool);

    CurlMultiLoop multi;
    // What this handle's cache has.
    CurlResolveCache resolve_cache;
  };

  // `loop`, `memory` and `metrics` outlive the pool. Idle connections of a handle are closed once
  // nothing was sent through it for `idle_timeout`.
  CurlMultiPool(EventLoop& loop, ResponseMemory& memory, Milliseconds idle_timeout,
                CurlMultiLoop::Multiplexing multiplexing, Metrics& metrics);

  // Where the next transfer is to be added: the first handle with room, so that few calls at a time
  // keep to few connections and the others become idle. It lives as long as the pool.
  Member& MemberWithCapacity();

  // Both from any thread.
  size_t connections_open() const { return static_cast<size_t>(counts_.open.value().value_or(0)); }
  uint64_t connections_opened() const { return counts_.opened; }

 private:
  EventLoop& loop_;
  ResponseIntake intake_;
  const Milliseconds idle_timeout_;
  const CurlMultiLoop::Multiplexing multiplexing_;
  const size_t transfers_each_;
  ConnectionCounts counts_;
  std::deque<Member> members_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_CURL_MULTI_POOL_H_
