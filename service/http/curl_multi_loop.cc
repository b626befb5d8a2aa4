#include "service/http/curl_multi_loop.h"

#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

#include "service/http/curl_transfer.h"

namespace gateway {

namespace {

// By then an ordinary response is there.
constexpr unsigned kReadsOfOrdinary = 3;

// Null of the handle by which a newer libcurl closes connections: that one is its own.
CurlTransfer* TransferOf(CURL* easy) {
  char* transfer = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
  return reinterpret_cast<CurlTransfer*>(transfer);
}

}  // namespace

CurlMultiLoop::CurlMultiLoop(EventLoop& loop, ResponseIntake& intake, size_t max_connections,
                             Milliseconds idle_timeout, Multiplexing multiplexing,
                             ConnectionCounts& counts)
    : loop_(loop),
      intake_(intake),
      max_connections_(max_connections),
      idle_timeout_(idle_timeout),
      multiplexing_(multiplexing),
      counts_(counts),
      curl_timer_(loop, [this] { Drive(CURL_SOCKET_TIMEOUT, 0); }),
      drive_now_(loop, [this] { Drive(CURL_SOCKET_TIMEOUT, 0); }),
      idle_timer_(loop, [this] { CloseIdleConnections(); }) {
  CreateMulti();
}

CurlMultiLoop::~CurlMultiLoop() {
  assert(running_ == 0 && "a transfer outlives its client");
  DestroyMulti();
}

void CurlMultiLoop::CreateMulti() {
  multi_ = curl_multi_init();
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlMultiLoop::OnSocketRequest);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlMultiLoop::OnTimerRequest);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(max_connections_));
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING,
                    multiplexing_ == Multiplexing::kOn ? CURLPIPE_MULTIPLEX : CURLPIPE_NOTHING);
}

void CurlMultiLoop::DestroyMulti() {
  curl_multi_cleanup(multi_);
  multi_ = nullptr;
  curl_timer_.Stop();
  drive_now_.Cancel();
  sockets_.clear();
}

bool CurlMultiLoop::Add(CURL* easy) {
  if (curl_multi_add_handle(multi_, easy) != CURLM_OK) return false;
  if (++running_ == 1) idle_timer_.Stop();
  max_wire_bytes_ += TransferOf(easy)->MaxWireBytes();
  return true;
}

void CurlMultiLoop::Remove(CURL* easy) {
  std::erase(reading_, TransferOf(easy));
  curl_multi_remove_handle(multi_, easy);
  max_wire_bytes_ -= TransferOf(easy)->MaxWireBytes();
  if (multiplexing_ == Multiplexing::kOn) {
    for (auto& [descriptor, entry] : sockets_) CountAnew(entry, descriptor);
  }
  if (--running_ == 0) idle_timer_.StartAt(std::chrono::steady_clock::now() + idle_timeout_);
}

// libcurl looks for idle connections that are too old only when it starts a transfer, so without
// traffic they would stay open for good.
void CurlMultiLoop::CloseIdleConnections() {
  if (running_ != 0) return;
  DestroyMulti();
  CreateMulti();
  ++generation_;
}

void CurlMultiLoop::OnSocketCreated(int socket) {
  sockets_[socket] = Socket{};
  ++counts_.opened;
}

void CurlMultiLoop::OnSocketConnected(int socket, int local_port,
                                      std::shared_ptr<const TlsSessions> tls) {
  Socket& entry = sockets_[socket];
  entry.is_connected = true;
  entry.local_port = local_port;
  entry.tls = std::move(tls);
  if (entry.counted != nullptr) return;
  CountAnew(entry, socket);  // the handshake is no response
  counts_.open.Add(1);
  entry.counted.reset(&counts_.open);
}

bool CurlMultiLoop::IsClean(int local_port) {
  bool is_known = false;
  for (const auto& [descriptor, entry] : sockets_) {
    // Connections to several addresses may share a port; the other one may be ended with it.
    if (entry.local_port != local_port) continue;
    is_known = true;
    if (multiplexing_ == Multiplexing::kOn && !entry.is_idle) {
      // libcurl shares a connection also if a status line alone said HTTP/2.
      if (!SpeaksHttp2(entry.tls.get())) return false;
      continue;
    }
    if (!HasUnread(descriptor, entry.tls.get())) continue;
    EndConnection(descriptor);
    return false;
  }
  return is_known;
}

int CurlMultiLoop::OnSocketClosed(void* self, curl_socket_t socket) {
  // The watch goes first: the loop must not wait for a number that may soon be another file's.
  static_cast<CurlMultiLoop*>(self)->sockets_.erase(socket);
  return close(socket);
}

int CurlMultiLoop::OnSocketRequest(CURL* easy, curl_socket_t socket, int what, void* self,
                                   void* /*ignored*/) {
  auto* const multi_loop = static_cast<CurlMultiLoop*>(self);
  Socket& entry = multi_loop->sockets_[socket];
  if (what == CURL_POLL_REMOVE) {
    if (!entry.is_connected) {
      multi_loop->sockets_.erase(socket);  // libcurl may have closed it already
      return 0;
    }
    const CurlTransfer* const transfer = TransferOf(easy);
    if (transfer != nullptr && transfer->IsHeld()) {
      entry.watch->SetInterest(DescriptorWatch::kNone);
      return 0;
    }
    // A connection that becomes idle stays registered as it mostly was, for reading: to leave the
    // kernel's list and come back would be two system calls for every request.
    entry.is_idle = true;
    entry.transfer = nullptr;
    if (entry.watch != nullptr) entry.watch->SetInterest(DescriptorWatch::kReadable);
    return 0;
  }
  if (std::exchange(entry.is_idle, false)) multi_loop->CountAnew(entry, socket);
  if (multi_loop->multiplexing_ == Multiplexing::kOff) entry.transfer = TransferOf(easy);
  if (entry.watch == nullptr) {
    entry.watch = std::make_unique<DescriptorWatch>(
        multi_loop->loop_, socket,
        [multi_loop, socket](unsigned events) { multi_loop->OnReady(socket, events); });
  }
  unsigned wanted = DescriptorWatch::kNone;
  if (what & CURL_POLL_IN) wanted |= DescriptorWatch::kReadable;
  if (what & CURL_POLL_OUT) wanted |= DescriptorWatch::kWritable;
  entry.watch->SetInterest(wanted);
  return 0;
}

int CurlMultiLoop::OnTimerRequest(CURLM* /*multi*/, long milliseconds, void* self) {
  auto* const multi_loop = static_cast<CurlMultiLoop*>(self);
  multi_loop->curl_timer_.Stop();
  multi_loop->drive_now_.Cancel();
  if (milliseconds == 0) {
    multi_loop->goes_on_ = true;
    // Not from here, where libcurl must not be called; and once serves all that was added.
    multi_loop->drive_now_.Request();
  } else if (milliseconds > 0) {
    multi_loop->curl_timer_.StartAt(std::chrono::steady_clock::now() + Milliseconds(milliseconds));
  }
  return 0;
}

void CurlMultiLoop::OnReady(int descriptor, unsigned events) {
  Socket& entry = sockets_[descriptor];
  if (entry.is_idle) {
    // The event may be of a response that libcurl has read since, in the same turn.
    if (!HasUnread(descriptor, entry.tls.get())) return;
    // Nothing is due on an idle connection. libcurl finds it dead when it wants to use it.
    EndConnection(descriptor);
    entry.watch->SetInterest(DescriptorWatch::kNone);
    return;
  }
  if (events & DescriptorWatch::kReadable) {
    const bool is_ordinary = ++entry.reads <= kReadsOfOrdinary;
    // It is a system call.
    if (!is_ordinary && ExceedsWireBytes(entry, BytesReceived(descriptor))) {
      if (entry.transfer != nullptr) return entry.transfer->AbortAsTooLarge();
      EndConnection(descriptor);
    }
    if (!is_ordinary && intake_.HasReadEnough()) {
      // What is left of a long response is there in the next turn too.
      events &= ~unsigned{DescriptorWatch::kReadable};
      if (events == DescriptorWatch::kNone) return;
    } else if (entry.transfer != nullptr) {
      reading_.push_back(entry.transfer);
    }
  }
  int curl_events = 0;
  if (events & DescriptorWatch::kReadable) curl_events |= CURL_CSELECT_IN;
  if (events & DescriptorWatch::kWritable) curl_events |= CURL_CSELECT_OUT;
  Drive(descriptor, curl_events);
}

void CurlMultiLoop::CountAnew(Socket& entry, int descriptor) {
  entry.reads = 0;
  entry.received_before = entry.received_in_turns = BytesReceived(descriptor);
}

// What libcurl tells of a response is decoded: chunks without the extensions that may be in each of
// their heads, frames without padding. So this counts below it, also for TLS.
bool CurlMultiLoop::ExceedsWireBytes(const Socket& entry, uint64_t received) const {
  const uint64_t most =
      entry.transfer != nullptr ? entry.transfer->MaxWireBytes() : max_wire_bytes_;
  return received - entry.received_before > most;
}

void CurlMultiLoop::OnReadOn(CurlTransfer& resumed) { reading_.push_back(&resumed); }

void CurlMultiLoop::Drive(curl_socket_t socket, int events) {
  int still_running = 0;
  goes_on_ = false;
  curl_multi_socket_action(multi_, socket, events, &still_running);
  RemoveEnded();
  if (goes_on_) HoldWhatGoesOn();
  reading_.clear();
  CompleteEnded();
}

// libcurl takes a hundred pieces from a peer that sends without end and then asks to be called at
// once. It would go on with all such peers whenever anything is driven: in each turn it would read
// from each of them as often as others have something to say.
void CurlMultiLoop::HoldWhatGoesOn() {
  while (!reading_.empty()) {
    CurlTransfer& transfer = *reading_.back();
    reading_.pop_back();
    // Headers are bounded, and libcurl would mix them up.
    if (transfer.IsHeld() || !transfer.HasWholeHeaders()) continue;
    const auto found = std::ranges::find(sockets_, &transfer,
                                         [](const auto& socket) { return socket.second.transfer; });
    if (found == sockets_.end()) continue;
    auto& [descriptor, entry] = *found;
    // Another one goes on.
    if (!HasUnread(descriptor, entry.tls.get())) continue;
    const uint64_t received = BytesReceived(descriptor);
    if (ExceedsWireBytes(entry, received)) {
      transfer.AbortAsTooLarge();
    } else {
      transfer.Hold(received - std::exchange(entry.received_in_turns, received));
    }
  }
}

void CurlMultiLoop::RemoveEnded() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    // The message is gone once the handle is removed.
    CURL* const easy = message->easy_handle;
    const CURLcode code = message->data.result;
    Remove(easy);
    ended_.push_back(TransferOf(easy));
    ended_.back()->OnEnd(code);
  }
}

// Nothing below comes back here: what a resumed caller starts or stops waits for the next turn.
void CurlMultiLoop::CompleteEnded() {
  for (CurlTransfer* const transfer : ended_) {
    if (transfer->NeedsTurn()) {
      transfer->WaitForSlot();
    } else {
      transfer->Complete();
    }
  }
  ended_.clear();
}

}  // namespace gateway
