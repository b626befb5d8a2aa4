#include "service/http/curl_transfer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "service/http/curl_failure.h"

namespace gateway {
namespace {

using std::chrono_literals::operator""s;

// How long the kernel goes on trying to deliver what the peer does not acknowledge. A connection
// outlives the attempt it was made for, so a very short attempt does not set a very short time.
constexpr Milliseconds kLongestUserTimeout = 20s;
constexpr Milliseconds kShortestUserTimeout = 2s;

// The smallest that libcurl takes. A body that is asked for needs it as long as an answer is waited
// for.
constexpr long kUploadBufferBytes = 16 * 1024;
// A body up to this goes out with the headers over HTTP/1.1: a connection without anything else to
// send takes it at once.
constexpr size_t kLargestBodyWithHeaders = 8 * 1024;
// As long held. An ordinary answer of Passfort takes two reads.
constexpr long kReceiveBufferBytes = 1024;

Milliseconds UserTimeout(Deadline deadline) {
  const auto left = deadline.TimeLeft(std::chrono::steady_clock::now());
  return std::clamp(std::chrono::duration_cast<Milliseconds>(left), kShortestUserTimeout,
                    kLongestUserTimeout);
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

// libcurl compares whole seconds and closes what is *older*; this closes what is as old.
long MaxAgeSeconds(Milliseconds idle_timeout) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(idle_timeout).count();
  return static_cast<long>(std::max<Milliseconds::rep>(seconds - 1, 0));
}

}  // namespace

CurlTransfer::CurlTransfer(EventLoop& loop, const CurlTransferSettings& settings)
    : boot_now_(settings.boot_now),
      speaks_http2_(settings.http2),
      easy_(curl_easy_init()),
      deadline_timer_(loop,
                      [this] {
                        Abort(HttpFailure::Kind::kTimeout,
                              curl_easy_strerror(CURLE_OPERATION_TIMEDOUT));
                      }),
      reader_(settings.limits) {
  SetConstantOptions(settings);
}

CurlTransfer::~CurlTransfer() {
  if (is_running_) multi_->Remove(easy_);
  curl_easy_cleanup(easy_);
}

void CurlTransfer::SetConstantOptions(const CurlTransferSettings& settings) {
  curl_easy_setopt(easy_, CURLOPT_PRIVATE, this);
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy_, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy_, CURLOPT_PATH_AS_IS, 1L);
  // Addresses that libcurl found by itself are not kept; those it was given are, for good.
  curl_easy_setopt(easy_, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
  curl_easy_setopt(easy_, CURLOPT_USERAGENT, settings.user_agent.c_str());

  // An empty proxy and an empty list of exceptions keep libcurl from reading the environment.
  curl_easy_setopt(easy_, CURLOPT_PROXY, settings.proxy.c_str());
  curl_easy_setopt(easy_, CURLOPT_NOPROXY, "");
  curl_easy_setopt(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy_, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));

  curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy_, CURLOPT_PROXY_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  // libcurl reads no file of its own.
  for (const CURLoption file :
       {CURLOPT_CAINFO, CURLOPT_CAPATH, CURLOPT_PROXY_CAINFO, CURLOPT_PROXY_CAPATH}) {
    curl_easy_setopt(easy_, file, nullptr);
  }
  curl_easy_setopt(easy_, CURLOPT_SSL_CTX_FUNCTION, &CurlTransfer::OnTlsSettings);
  curl_easy_setopt(easy_, CURLOPT_SSL_CTX_DATA, &settings.trust);

  curl_easy_setopt(
      easy_, CURLOPT_HTTP_VERSION,
      static_cast<long>(settings.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  // A burst shares the first connection instead of making one for each request.
  curl_easy_setopt(easy_, CURLOPT_PIPEWAIT, settings.http2 ? 1L : 0L);
  curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(settings.connect_timeout.count()));
  curl_easy_setopt(easy_, CURLOPT_MAXAGE_CONN, MaxAgeSeconds(settings.idle_connection_timeout));
  curl_easy_setopt(easy_, CURLOPT_UPLOAD_BUFFERSIZE, kUploadBufferBytes);
  curl_easy_setopt(easy_, CURLOPT_BUFFERSIZE, kReceiveBufferBytes);

  // For a body that is asked for. No seek callback, on purpose: libcurl could send a body a second
  // time with one.
  curl_easy_setopt(easy_, CURLOPT_READFUNCTION, &CurlTransfer::OnBodyWanted);
  curl_easy_setopt(easy_, CURLOPT_READDATA, this);
  curl_easy_setopt(easy_, CURLOPT_PREREQFUNCTION, &CurlTransfer::OnConnected);
  curl_easy_setopt(easy_, CURLOPT_PREREQDATA, this);
  curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &CurlTransfer::OnHeaderLine);
  curl_easy_setopt(easy_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &CurlTransfer::OnBody);
  curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy_, CURLOPT_SOCKOPTFUNCTION, &CurlTransfer::OnSocketMade);
  curl_easy_setopt(easy_, CURLOPT_SOCKOPTDATA, this);
  curl_easy_setopt(easy_, CURLOPT_CLOSESOCKETFUNCTION, &CurlMultiLoop::OnSocketClosed);
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
  reader_.StartOver(request.response_bytes_allowed);
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
  if (request.method == HttpMethod::kGet) {
    curl_easy_setopt(easy_, CURLOPT_HTTPGET, 1L);
  } else {
    curl_easy_setopt(easy_, CURLOPT_POST, 1L);
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    body_goes_with_headers_ =
        request.body.empty() || (!speaks_http2_ && request.body.size() <= kLargestBodyWithHeaders);
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDS,
                     body_goes_with_headers_ ? request.body.data() : nullptr);
  }
  is_running_ = multi_->Add(easy_);
  if (!is_running_) {
    body_requested_ = false;
    OnEnd(CURLE_OUT_OF_MEMORY);
    TellEnd();
    return;
  }
  deadline_timer_.StartAt(deadline.at());
}

void CurlTransfer::Abort(HttpFailure::Kind kind, std::string_view detail) {
  if (!is_running_) return;
  is_running_ = false;
  deadline_timer_.Stop();
  // Closes the connection, unless it is an HTTP/2 one: then this request's stream only.
  multi_->Remove(easy_);
  result_.answer = HttpFailure{.kind = kind, .detail = std::string(detail)};
  TellEnd();
}

void CurlTransfer::OnEnd(CURLcode code) {
  is_running_ = false;
  deadline_timer_.Stop();
  result_.answer = AnswerOf(code);
  result_.lost_on_reuse = IsLossOnReuse(code);
  // libcurl counts its own retries over the life of a handle and gives up at the fifth.
  is_reusable_ = code == CURLE_OK && connections_used_ == 1;
}

void CurlTransfer::TellEnd() {
  result_.body_requested = body_requested_;
  end_->Set(std::move(result_));
}

std::variant<HttpResponse, HttpFailure> CurlTransfer::AnswerOf(CURLcode code) {
  if (code == CURLE_OK && !reader_.has_whole_headers()) code = CURLE_RECV_ERROR;
  if (code == CURLE_OK) {
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    return reader_.Finish(static_cast<int>(status));
  }
  if (reader_.is_too_large()) {
    return HttpFailure{.kind = HttpFailure::Kind::kTooLarge,
                       .detail = "The answer exceeds its size limit"};
  }
  if (send_gate_was_closed_) {
    return HttpFailure{.kind = HttpFailure::Kind::kSendGateClosed,
                       .detail = "The time to send had passed"};
  }
  HttpFailure failure = FailureOfCurl(code);
  const bool is_of_connecting = failure.kind == HttpFailure::Kind::kResolve ||
                                failure.kind == HttpFailure::Kind::kConnect ||
                                failure.kind == HttpFailure::Kind::kTls;
  if (HasConnected() && is_of_connecting) {
    // libcurl lost the connection and tried another one.
    failure.kind = HttpFailure::Kind::kConnectionLost;
  } else if (!HasConnected() && failure.kind == HttpFailure::Kind::kConnectionLost) {
    // A proxy that refused: the request has not gone out on any connection.
    failure.kind = HttpFailure::Kind::kConnect;
  }
  return failure;
}

// An HTTP/2 server that resets a stream speaks of the request, not of the connection.
bool CurlTransfer::IsLossOnReuse(CURLcode code) const {
  const auto* failure = std::get_if<HttpFailure>(&result_.answer);
  return failure != nullptr && failure->kind == HttpFailure::Kind::kConnectionLost &&
         code != CURLE_HTTP2_STREAM && is_on_reused_connection_ && !reader_.has_begun();
}

bool CurlTransfer::MayNotBeSentAgain() const {
  return request_->method == HttpMethod::kPost && body_requested_;
}

bool CurlTransfer::SendGateIsOpen() {
  const bool is_open = !request_->send_before || boot_now_() < *request_->send_before;
  send_gate_was_closed_ = !is_open;
  return is_open;
}

// A refusal leaves the server with headers that announce a body and a connection, or a stream, that
// is reset. It holds for a later piece of a long body too: what is cut is not carried out either.
size_t CurlTransfer::OnBodyWanted(char* buffer, size_t size, size_t count, void* self) {
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
void CurlTransfer::TellWhichSocketConnected(int local_port) {
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
int CurlTransfer::OnConnected(void* self, char* /*primary_ip*/, char* /*local_ip*/,
                              int /*primary_port*/, int local_port) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  ++transfer.connections_used_;
  const bool is_reused = transfer.sockets_made_.empty();
  transfer.TellWhichSocketConnected(local_port);
  if (transfer.MayNotBeSentAgain()) return CURL_PREREQFUNC_ABORT;
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
  return transfer.reader_.TakeHeaderLine({line, size * count}) ? size * count : 0;
}

size_t CurlTransfer::OnBody(char* piece, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  return transfer.reader_.TakeBody({piece, size * count}) ? size * count : 0;
}

// What was written to a socket is delivered by the kernel even after the socket was closed or the
// process died, once the network lets it through. That would be a POST which arrives after it was
// given up. Closing with SO_LINGER 0 throws it away instead.
int CurlTransfer::OnSocketMade(void* self, curl_socket_t socket, curlsocktype /*purpose*/) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  if (transfer.MayNotBeSentAgain()) return CURL_SOCKOPT_ERROR;  // no use connecting
  const linger throw_away = {.l_onoff = 1, .l_linger = 0};
  const auto user_timeout = static_cast<unsigned>(UserTimeout(*transfer.deadline_).count());
  if (setsockopt(socket, SOL_SOCKET, SO_LINGER, &throw_away, sizeof throw_away) != 0 ||
      setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, sizeof user_timeout) != 0) {
    return CURL_SOCKOPT_ERROR;
  }
  transfer.multi_->OnSocketMade(socket);
  transfer.sockets_made_.push_back(socket);
  transfer.tls_made_ = nullptr;  // of a connection that was given up, if of any
  return CURL_SOCKOPT_OK;
}

}  // namespace gateway
