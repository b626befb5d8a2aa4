#include "service/http/curl_transfer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

namespace gateway {
namespace {

using std::chrono_literals::operator""s;

// How long the kernel goes on trying to deliver what the peer does not acknowledge. A connection
// outlives the attempt it was made for, so a very short attempt does not set a very short time.
constexpr Milliseconds kMaxUserTimeout = 20s;
constexpr Milliseconds kMinUserTimeout = 2s;

// A body up to this goes out with the headers over HTTP/1.1: a connection without anything else to
// send takes it at once.
constexpr size_t kMaxBodyWithHeaders = 8 * 1024;

// Held as long as a response is waited for. An ordinary one of Passfort takes two reads. A read of
// a kilobyte costs as much as one of sixteen, so a long list gets more.
constexpr long kReceiveBufferBytes = 1024;
constexpr long kReceiveBufferBytesOfLong = 16 * 1024;

Milliseconds UserTimeout(Deadline deadline) {
  const auto left = deadline.TimeLeft(std::chrono::steady_clock::now());
  return std::clamp(std::chrono::duration_cast<Milliseconds>(left), kMinUserTimeout,
                    kMaxUserTimeout);
}

// -1 if it is no open TCP socket.
int LocalPortOf(int socket) {
  sockaddr_storage address = {};
  socklen_t size = sizeof address;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return -1;
  if (address.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  }
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  }
  return -1;
}

}  // namespace

CurlTransfer::CurlTransfer(EventLoop& loop, const CurlTransferSettings& settings,
                           ResponseMemory& memory)
    : boot_now_(settings.boot_now),
      speaks_http2_(settings.http2),
      route_(RouteOver(settings.proxy)),
      easy_(curl_easy_init()),
      deadline_timer_(loop,
                      [this] {
                        Abort({.kind = HttpFailure::Kind::kTimeout,
                               .fault = HasConnected() ? TransportFault::kResponseTimeout
                                                       : TransportFault::kDeadline});
                      }),
      reader_(settings.limits),
      memory_(memory) {
  SetConstantOptions(settings);
}

CurlTransfer::~CurlTransfer() {
  if (is_running_) {
    multi_->intake().Forget(*this);
    multi_->Remove(easy_);
  }
  curl_easy_cleanup(easy_);
}

void CurlTransfer::Start(CurlMultiLoop& multi, const HttpRequest& request, CurlHeaderList headers,
                         CurlHeaderList addresses, Deadline deadline) {
  multi_ = &multi;
  request_ = &request;
  headers_ = std::move(headers);
  addresses_ = std::move(addresses);
  deadline_ = deadline;
  end_.emplace();
  result_ = HttpResult();
  reader_.Reset(request.response_bytes_allowed);
  body_share_ = nullptr;
  is_reusable_ = false;
  body_bytes_given_ = 0;
  connections_used_ = 0;
  is_on_reused_connection_ = false;
  met_unclean_connection_ = false;
  send_gate_was_closed_ = false;
  sockets_made_.clear();
  tls_made_ = nullptr;
  body_requested_ = request.method == HttpMethod::kGet;
  body_goes_with_headers_ = false;

  curl_easy_setopt(easy_, CURLOPT_CLOSESOCKETDATA, multi_);
  curl_easy_setopt(easy_, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_.get());
  curl_easy_setopt(easy_, CURLOPT_RESOLVE, addresses_.get());
  curl_easy_setopt(easy_, CURLOPT_FRESH_CONNECT, request.needs_fresh_connection ? 1L : 0L);
  curl_easy_setopt(
      easy_, CURLOPT_BUFFERSIZE,
      request.response_bytes_allowed > 0 ? kReceiveBufferBytesOfLong : kReceiveBufferBytes);
  if (request.method == HttpMethod::kGet) {
    curl_easy_setopt(easy_, CURLOPT_HTTPGET, 1L);
  } else {
    curl_easy_setopt(easy_, CURLOPT_POST, 1L);
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    body_goes_with_headers_ =
        request.body.empty() || (!speaks_http2_ && request.body.size() <= kMaxBodyWithHeaders);
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDS,
                     body_goes_with_headers_ ? request.body.data() : nullptr);
  }
  is_running_ = multi_->Add(easy_);
  if (!is_running_) {
    body_requested_ = false;
    OnEnd(CURLE_OUT_OF_MEMORY);
    Complete();
    return;
  }
  deadline_timer_.StartAt(deadline.at());
}

void CurlTransfer::Abort(HttpFailure failure) {
  if (place_.is_ended) return Complete();
  if (!is_running_) return;
  is_running_ = false;
  deadline_timer_.Stop();
  // Closes the connection, unless it is an HTTP/2 one: then this request's stream only.
  multi_->Remove(easy_);
  result_.response_or_failure = failure;
  Complete();
}

void CurlTransfer::AbortAsTooLarge() {
  Abort({.kind = HttpFailure::Kind::kTooLarge, .fault = TransportFault::kResponseTooLarge});
}

void CurlTransfer::OnEnd(CURLcode code) {
  is_running_ = false;
  result_.response_or_failure = ResponseOrFailure(code);
  result_.lost_on_reuse = IsLossOnReuse(code);
  // libcurl counts its own retries over the life of a handle and gives up at the fifth.
  is_reusable_ = code == CURLE_OK && connections_used_ == 1;
}

void CurlTransfer::WaitForSlot() { multi_->intake().HandOn(*this); }

void CurlTransfer::Complete() {
  deadline_timer_.Stop();
  if (IsLarge() || IsHeld()) multi_->intake().Forget(*this);
  result_.may_have_sent_body = body_requested_;
  // Whoever is told is done with the body when this returns; and may be done with the transfer too.
  const auto share = std::move(body_share_);
  end_->Set(std::move(result_));
}

std::variant<HttpResponse, HttpFailure> CurlTransfer::ResponseOrFailure(CURLcode code) {
  if (code == CURLE_OK && !reader_.has_whole_headers()) code = CURLE_RECV_ERROR;
  if (code == CURLE_OK) {
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    return reader_.Finish(static_cast<int>(status));
  }
  if (reader_.is_too_large()) {
    return HttpFailure{.kind = HttpFailure::Kind::kTooLarge,
                       .fault = TransportFault::kResponseTooLarge};
  }
  if (send_gate_was_closed_) {
    return HttpFailure{.kind = HttpFailure::Kind::kSendGateClosed,
                       .fault = TransportFault::kSendGateClosed};
  }
  CurlEnd end = EndOf(easy_, code, route_);
  end.has_connection = HasConnected();
  return ToHttpFailure(end);
}

// An HTTP/2 server that resets a stream speaks of the request, not of the connection.
bool CurlTransfer::IsLossOnReuse(CURLcode code) const {
  const auto* failure = std::get_if<HttpFailure>(&result_.response_or_failure);
  return failure != nullptr && failure->kind == HttpFailure::Kind::kConnectionLost &&
         code != CURLE_HTTP2_STREAM && is_on_reused_connection_ && !reader_.has_begun();
}

bool CurlTransfer::MustNotResend() const {
  return request_->method == HttpMethod::kPost && body_requested_;
}

bool CurlTransfer::SendGateIsOpen() {
  const bool is_open = !request_->send_before || boot_now_() < *request_->send_before;
  send_gate_was_closed_ = !is_open;
  return is_open;
}

// A refusal leaves the server with headers that announce a body and a connection, or a stream, that
// is reset; a libcurl that sends no headers before a piece of the body, with less. It holds for a
// later piece of a long body too: what is cut is not executed either.
size_t CurlTransfer::OnReadBody(char* buffer, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  if (!transfer.SendGateIsOpen()) return CURL_READFUNC_ABORT;
  transfer.body_requested_ = true;
  const std::string_view body = transfer.request_->body;
  if (transfer.body_bytes_given_ == body.size()) return CURL_READFUNC_ABORT;
  const std::string_view left = body.substr(transfer.body_bytes_given_);
  const size_t given = std::min(left.size(), size * count);
  std::memcpy(buffer, left.data(), given);
  transfer.body_bytes_given_ += given;
  return given;
}

// Called before each TLS handshake, with a proxy or the server. `settings` serve this one alone.
CURLcode CurlTransfer::OnTlsSettings(CURL* easy, void* settings, void* trust) {
  auto* const tls = static_cast<SSL_CTX*>(settings);
  static_cast<const TrustStore*>(trust)->Apply(tls);
  char* self = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &self);
  auto& transfer = *reinterpret_cast<CurlTransfer*>(self);
  if (transfer.tls_made_ == nullptr) transfer.tls_made_ = std::make_shared<TlsSessions>();
  CollectSession(tls, transfer.tls_made_);
  return CURLE_OK;
}

// Of several addresses that libcurl tried at a time one has won, and the sockets of the others are
// closed; the numbers of those may be other files' by now.
void CurlTransfer::ReportConnectedSocket(int local_port) {
  for (const int socket : sockets_made_) {
    if (LocalPortOf(socket) == local_port) {
      multi_->OnSocketConnected(socket, local_port, tls_made_);
    }
  }
  sockets_made_.clear();
  tls_made_ = nullptr;
}

// Called when a connection is there, new or reused, right before the request goes out on it, the
// first time and every time that libcurl would send it again.
int CurlTransfer::OnPreRequest(void* self, char* /*primary_ip*/, char* /*local_ip*/,
                               int /*primary_port*/, int local_port) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  ++transfer.connections_used_;
  const bool is_reused = transfer.sockets_made_.empty();
  transfer.ReportConnectedSocket(local_port);
  if (transfer.MustNotResend()) return CURL_PREREQFUNC_ABORT;
  transfer.is_on_reused_connection_ = is_reused;
  if (is_reused && !transfer.multi_->IsClean(local_port)) {
    transfer.met_unclean_connection_ = true;
    return CURL_PREREQFUNC_ABORT;
  }
  if (transfer.body_goes_with_headers_) {
    if (!transfer.SendGateIsOpen()) return CURL_PREREQFUNC_ABORT;
    transfer.body_requested_ = true;
  }
  return CURL_PREREQFUNC_OK;
}

size_t CurlTransfer::OnHeaderLine(char* line, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  return transfer.reader_.AddHeaderLine({line, size * count}) ? size * count : 0;
}

size_t CurlTransfer::OnBody(char* piece, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  return transfer.AddBody({piece, size * count});
}

// One of the large responses that are held back must not keep the others from coming: it is known
// for large when it has shown that it is.
size_t CurlTransfer::AddBody(std::string_view piece) {
  constexpr size_t kRefused = 0;
  if (IsLarge() && !MayReadOn(piece.size())) {
    return reader_.is_too_large() ? kRefused : CURL_WRITEFUNC_PAUSE;
  }
  if (!reader_.AddBody(piece)) return kRefused;
  if (reader_.body_bytes() < ResponseMemory::kSmallResponseBytes) return piece.size();
  if (!IsLarge()) {
    body_share_ = std::make_unique<ResponseMemory::Share>(memory_, ResponseMemory::Use::kBody);
    curl_off_t all = 0;  // -1: the response does not say
    curl_easy_getinfo(easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &all);
    if (all > 0 && !reader_.ExpectBody(static_cast<uint64_t>(all))) return kRefused;
  }
  // In steps: a body may come by the byte.
  constexpr size_t kStep = ResponseMemory::kSmallResponseBytes;
  body_share_->Set((reader_.body_bytes() / kStep + 1) * kStep);
  return piece.size();
}

// Over HTTP/2 libcurl would hold back all that comes on the connection, so there it is given up as
// too large, but not before all bodies have taken twice of what they may.
bool CurlTransfer::MayReadOn(size_t bytes) {
  long version = CURL_HTTP_VERSION_NONE;
  curl_easy_getinfo(easy_, CURLINFO_HTTP_VERSION, &version);
  if (version != CURL_HTTP_VERSION_2_0) return multi_->intake().MayReadOn(*this, bytes);
  if (memory_.IsOverrun()) reader_.GiveUp();
  return !memory_.IsOverrun();
}

uint64_t CurlTransfer::MaxWireBytes() const {
  constexpr uint64_t kTimes = 4;
  constexpr uint64_t kBeside = uint64_t{1024} * 1024;
  return kTimes * reader_.max_body_bytes() + kBeside;
}

void CurlTransfer::Hold(size_t bytes) {
  multi_->intake().HoldForTurn(*this, bytes);
  // Both directions, or libcurl would look at it again at once. It still reads one piece.
  if (curl_easy_pause(easy_, CURLPAUSE_ALL) != CURLE_OK) multi_->intake().Forget(*this);
}

void CurlTransfer::ReadOn() {
  multi_->OnReadOn(*this);
  // It takes at once what libcurl has read.
  const CURLcode code = curl_easy_pause(easy_, CURLPAUSE_CONT);
  if (code == CURLE_OK) return;
  const HttpFailure failure =
      ToHttpFailure({.code = code, .route = route_, .has_connection = true});
  if (reader_.is_too_large()) return AbortAsTooLarge();
  Abort(failure);
}

// What was written to a socket is delivered by the kernel even after the socket was closed or the
// process died, once the network lets it through. That would be a POST which arrives after it was
// given up. Closing with SO_LINGER 0 throws it away instead.
int CurlTransfer::OnSocketCreated(void* self, curl_socket_t socket, curlsocktype /*purpose*/) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  if (transfer.MustNotResend()) return CURL_SOCKOPT_ERROR;  // no use connecting
  const linger throw_away = {.l_onoff = 1, .l_linger = 0};
  const auto user_timeout = static_cast<unsigned>(UserTimeout(*transfer.deadline_).count());
  if (setsockopt(socket, SOL_SOCKET, SO_LINGER, &throw_away, sizeof throw_away) != 0 ||
      setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, sizeof user_timeout) != 0) {
    return CURL_SOCKOPT_ERROR;
  }
  transfer.multi_->OnSocketCreated(socket);
  transfer.sockets_made_.push_back(socket);
  transfer.tls_made_ = nullptr;  // of a connection that was given up, if of any
  return CURL_SOCKOPT_OK;
}

}  // namespace gateway
