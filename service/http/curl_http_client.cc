#include "service/http/curl_http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "service/http/curl_header_list.h"
#include "service/http/curl_multi_loop.h"
#include "service/http/curl_multi_pool.h"
#include "service/http/curl_transfer.h"
#include "service/http/origin.h"
#include "service/http/trust_store.h"

namespace gateway {
namespace {

using Kind = HttpFailure::Kind;

constexpr HttpFailure kStopped{.kind = Kind::kStopped, .fault = TransportFault::kStopped};
constexpr HttpFailure kTooLate{.kind = Kind::kTimeout, .fault = TransportFault::kDeadline};
constexpr HttpFailure kNotMade{.kind = Kind::kOther, .fault = TransportFault::kInternal};

// Nothing has left the gateway.
HttpResult NotSent(HttpFailure failure) {
  return {.response_or_failure = failure, .may_have_sent_body = false};
}

HttpResult NotResolved(const absl::Status& status, Deadline deadline, bool is_proxy) {
  if (absl::IsCancelled(status)) return NotSent(kStopped);
  if (absl::IsDeadlineExceeded(status) && deadline.HasPassed(std::chrono::steady_clock::now())) {
    return NotSent(kTooLate);
  }
  const TransportFault fault =
      absl::IsNotFound(status) ? TransportFault::kHostNotFound : TransportFault::kHostLookupFailed;
  return NotSent({.kind = Kind::kResolve, .fault = is_proxy ? OfProxy(fault) : fault});
}

void InitializeCurlOnce() {
  [[maybe_unused]] static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
}

std::string SystemTrustFile() {
  const char* const file = curl_version_info(CURLVERSION_NOW)->cainfo;
  return file == nullptr ? "" : file;
}

}  // namespace

// All of the client that lives on the loop's thread.
class CurlHttpClient::Core {
 public:
  Core(EventLoop& loop, ResponseMemory& memory, Metrics& metrics, Options options,
       std::optional<Origin> proxy, TrustStore trust)
      : loop_(loop),
        memory_(memory),
        connect_timeout_(options.connect_timeout),
        proxy_(std::move(proxy)),
        settings_{.connect_timeout = options.connect_timeout,
                  .idle_connection_timeout = options.idle_connection_timeout,
                  .http2 = options.http2,
                  .trust = std::move(trust),
                  .proxy = options.proxy,
                  .user_agent = options.user_agent,
                  .limits = {.max_response_bytes = options.max_response_bytes,
                             .max_header_bytes = options.max_header_bytes,
                             .kept_response_headers = options.kept_response_headers},
                  .boot_now = options.boot_now},
        resolver_(loop, options.look_up),
        multis_(
            loop, memory, options.idle_connection_timeout,
            options.http2 ? CurlMultiLoop::Multiplexing::kOn : CurlMultiLoop::Multiplexing::kOff,
            metrics) {}

  Task<HttpResult> Send(HttpRequest request, Deadline deadline, std::stop_token stop);
  Stats stats() const {
    return {.connections_opened = multis_.connections_opened(),
            .connections_open = multis_.connections_open(),
            .lookups = resolver_.lookups()};
  }

 private:
  SteadyTime LatestToSend(const HttpRequest& request, Deadline deadline, SteadyTime now) const {
    if (!request.send_before) return deadline.at();
    const auto right_to_send = request.send_before->since_boot - settings_.boot_now().since_boot;
    return std::min(deadline.at(), now + right_to_send);
  }

  static constexpr size_t kKeptTransfers = 256;

  std::unique_ptr<CurlTransfer> AcquireTransfer();
  void RecycleTransfer(std::unique_ptr<CurlTransfer> transfer);

  EventLoop& loop_;
  ResponseMemory& memory_;
  const Milliseconds connect_timeout_;
  const std::optional<Origin> proxy_;
  const CurlTransferSettings settings_;
  HostResolver resolver_;
  CurlMultiPool multis_;
  CurlHeaderLists header_lists_;
  std::vector<std::unique_ptr<CurlTransfer>> idle_transfers_;
};

absl::StatusOr<std::unique_ptr<CurlHttpClient>> CurlHttpClient::Create(EventLoop& loop,
                                                                       ResponseMemory& memory,
                                                                       Metrics& metrics,
                                                                       Options options) {
  InitializeCurlOnce();
  std::optional<Origin> proxy;
  if (!options.proxy.empty()) {
    auto origin = OriginOfProxy(options.proxy);
    if (!origin.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("read the proxy's URL: ", std::string(origin.status().message())));
    }
    proxy = *std::move(origin);
  }
  auto trust = TrustStore::Load(SystemTrustFile(), options.ca_file);
  if (!trust.ok()) return trust.status();
  for (std::string& name : options.kept_response_headers) absl::AsciiStrToLower(&name);

  std::unique_ptr<Core> core;
  const auto make = [&] {
    core = std::make_unique<Core>(loop, memory, metrics, std::move(options), std::move(proxy),
                                  *std::move(trust));
  };
  if (loop.IsLoopThread()) {
    make();
  } else {
    loop.RunAndWait(make);
  }
  return std::unique_ptr<CurlHttpClient>(new CurlHttpClient(loop, std::move(core)));
}

CurlHttpClient::CurlHttpClient(EventLoop& loop, std::unique_ptr<Core> core)
    : loop_(loop), core_(std::move(core)) {}

CurlHttpClient::~CurlHttpClient() {
  if (loop_.IsLoopThread()) return;
  loop_.RunAndWait([this] { core_.reset(); });
}

Task<HttpResult> CurlHttpClient::Send(HttpRequest request, Deadline deadline,
                                      std::stop_token stop) {
  return core_->Send(std::move(request), deadline, std::move(stop));
}

CurlHttpClient::Stats CurlHttpClient::stats() const { return core_->stats(); }

void CurlHttpClient::Describe(StatusReport& report) const {
  const Stats now = stats();
  report.Section("Passfort")
      .Add("connections", absl::StrCat(now.connections_open, " open, ", now.connections_opened,
                                       " opened since the start"));
}

Task<HttpResult> CurlHttpClient::Core::Send(HttpRequest request, Deadline deadline,
                                            std::stop_token stop) {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (stop.stop_requested()) co_return NotSent(kStopped);
  if (deadline.HasPassed(now)) co_return NotSent(kTooLate);
  const auto url_origin = ParseOrigin(request.url);
  if (!url_origin.ok()) co_return NotSent(kNotMade);
  // Not kept in two forms: many requests wait at the same time.
  const CurlHeaderList headers = WithOwnHeaders(std::exchange(request.own_headers, {}),
                                                header_lists_.ListFor(request.headers));
  if (headers == nullptr) co_return NotSent(kNotMade);

  if (!memory_.MaySend()) {
    const ResponseMemory::Entry entry =
        co_await memory_.WaitForRoom(LatestToSend(request, deadline, now), stop);
    if (entry == ResponseMemory::Entry::kStopped) co_return NotSent(kStopped);
    if (entry == ResponseMemory::Entry::kTooLate) {
      co_return NotSent({.kind = Kind::kNoMemory, .fault = TransportFault::kNoMemory});
    }
  }

  // With a proxy the host's name is the proxy's business.
  const Origin& origin = proxy_.has_value() ? *proxy_ : *url_origin;
  HostAddresses addresses;
  if (!origin.is_address) {
    addresses = resolver_.Known(origin.host, now);
    if (addresses == nullptr) {
      const Deadline patience = Earlier(deadline, Deadline(now + connect_timeout_));
      auto found = co_await resolver_.Find(origin.host, patience, stop);
      if (!found.ok()) {
        co_return NotResolved(found.status(), deadline, proxy_.has_value());
      }
      addresses = *std::move(found);
    }
  }

  // A second round follows a connection that was not clean, and nothing has left then.
  while (true) {
    auto& [multi, resolve_cache] = multis_.MemberWithCapacity();
    const uint64_t cache = multi.generation();
    std::unique_ptr<CurlTransfer> transfer = AcquireTransfer();
    transfer->Start(multi, request, headers, resolve_cache.PendingEntries(origin, addresses, cache),
                    deadline);
    HttpResult result;
    {
      const std::stop_callback on_stop(stop, [&transfer] { transfer->Abort(kStopped); });
      result = co_await transfer->end();
    }
    if (transfer->HasConnected()) resolve_cache.MarkApplied(origin, addresses, cache);
    const bool must_start_again = transfer->MetUncleanConnection();
    RecycleTransfer(std::move(transfer));
    if (!must_start_again) co_return result;
    request.needs_fresh_connection = true;
  }
}

std::unique_ptr<CurlTransfer> CurlHttpClient::Core::AcquireTransfer() {
  if (idle_transfers_.empty()) return std::make_unique<CurlTransfer>(loop_, settings_, memory_);
  std::unique_ptr<CurlTransfer> transfer = std::move(idle_transfers_.back());
  idle_transfers_.pop_back();
  return transfer;
}

void CurlHttpClient::Core::RecycleTransfer(std::unique_ptr<CurlTransfer> transfer) {
  if (!transfer->IsReusable() || idle_transfers_.size() == kKeptTransfers) return;
  idle_transfers_.push_back(std::move(transfer));
}

}  // namespace gateway
