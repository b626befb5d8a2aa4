#include "service/observability/metrics_server.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <list>
#include <string_view>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "service/base/event_loop.h"

namespace gateway {
namespace {

constexpr size_t kMaxConnections = 64;
constexpr size_t kMaxRequestBytes = 8 * 1024;
constexpr int kBacklog = 1024;
// From the start of a connection to its end. Prometheus gives up after ten seconds by default.
constexpr std::chrono::seconds kMaxExchange{10};
// When the process has no descriptor left.
constexpr std::chrono::milliseconds kPause{100};

struct HostAndPort {
  int family = AF_INET;
  std::string host;
  std::string port;
};

absl::StatusOr<HostAndPort> Split(std::string_view address) {
  const size_t colon = address.rfind(':');
  HostAndPort parts;
  if (colon != std::string_view::npos) {
    std::string_view host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
      parts.family = AF_INET6;
      host = host.substr(1, host.size() - 2);
    }
    parts.host = host;
    parts.port = address.substr(colon + 1);
  }
  const bool has_colons = parts.host.find(':') != std::string::npos;
  if (!parts.host.empty() && !parts.port.empty() && has_colons == (parts.family == AF_INET6) &&
      parts.port.find_first_not_of("0123456789") == std::string::npos) {
    return parts;
  }
  return absl::InvalidArgumentError(absl::StrCat("serve metrics: \"", std::string(address),
                                                 "\" is not host:port or [IPv6]:port"));
}

absl::StatusOr<int> Listen(const std::string& address) {
  const auto failure = [&address](const char* reason) {
    return absl::UnavailableError(absl::StrCat("serve metrics on ", address, ": ", reason));
  };
  const auto parts = Split(address);
  if (!parts.ok()) return parts.status();
  addrinfo hints = {};
  hints.ai_family = parts->family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(parts->host.c_str(), parts->port.c_str(), &hints, &found);
  if (error != 0) return failure(gai_strerror(error));
  const absl::Cleanup free_found = [found] { freeaddrinfo(found); };
  const int listener = socket(parts->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) return failure(std::strerror(errno));
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // As gRPC has it for `listen`: [::] takes connections over IPv4 too.
  const int off = 0;
  if (parts->family == AF_INET6) {
    setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  if (bind(listener, found->ai_addr, found->ai_addrlen) == 0 && listen(listener, kBacklog) == 0) {
    return listener;
  }
  const absl::Status status = failure(std::strerror(errno));
  close(listener);
  return status;
}

constexpr char kPlainText[] = "text/plain; charset=utf-8";

HttpPage Problem(std::string status, std::string what) {
  return {.status = std::move(status), .content_type = kPlainText, .body = std::move(what)};
}

enum class Body { kSent, kLeftOut };

// Nothing that a page shows may be kept, run, or loaded from elsewhere.
std::string ToHttp(const HttpPage& page, Body body = Body::kSent) {
  return absl::StrCat("HTTP/1.1 ", page.status, "\r\nContent-Type: ", page.content_type,
                      "\r\nContent-Length: ", page.body.size(),
                      "\r\nCache-Control: no-store"
                      "\r\nX-Content-Type-Options: nosniff"
                      "\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
                      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
                      "\r\nReferrer-Policy: no-referrer"
                      "\r\nAllow: GET, HEAD"
                      "\r\nConnection: close\r\n\r\n",
                      body == Body::kSent ? page.body : "");
}

// To a request's first line: "GET /metrics HTTP/1.1".
std::string Respond(std::string_view line, MetricsServer::Pages& pages) {
  const size_t target = line.find(' ');
  const size_t version = line.rfind(' ');
  if (target == std::string_view::npos || version <= target ||
      !line.substr(version + 1).starts_with("HTTP/1.")) {
    return ToHttp(Problem("400 Bad Request", "not an HTTP/1 request\n"));
  }
  const std::string_view method = line.substr(0, target);
  if (method != "GET" && method != "HEAD") {
    return ToHttp(Problem("405 Method Not Allowed", "only GET and HEAD are answered\n"));
  }
  const std::string_view whole = line.substr(target + 1, version - target - 1);
  return ToHttp(pages(whole.substr(0, whole.find('?'))),
                method == "HEAD" ? Body::kLeftOut : Body::kSent);
}

// One exchange. Loop thread only.
class Connection {
 public:
  enum class Progress { kGoesOn, kEnded };

  // Takes the descriptor over. `on_ready` may destroy the connection.
  Connection(EventLoop& loop, int descriptor, absl::AnyInvocable<void()> on_ready)
      : descriptor_(descriptor),
        ends_at_(std::chrono::steady_clock::now() + kMaxExchange),
        watch_(std::make_unique<DescriptorWatch>(
            loop, descriptor, [on_ready = std::move(on_ready)](unsigned) mutable { on_ready(); })) {
    watch_->SetInterest(DescriptorWatch::kReadable);
  }
  ~Connection() {
    watch_.reset();
    close(descriptor_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  SteadyTime ends_at() const { return ends_at_; }
  bool IsResponding() const { return written_ < response_.size(); }

  Progress GoOn(MetricsServer::Pages& pages) {
    if (!IsResponding()) {
      if (Read() == Progress::kEnded) return Progress::kEnded;
      // What comes after the request is of no interest but for the end of the connection.
      if (!response_.empty()) return Progress::kGoesOn;
      const size_t head = std::min(request_.find("\r\n\r\n"), request_.find("\n\n"));
      if (head != std::string::npos) {
        response_ = Respond(request_.substr(0, request_.find_first_of("\r\n")), pages);
      } else if (request_.size() >= kMaxRequestBytes) {
        response_ =
            ToHttp(Problem("431 Request Header Fields Too Large", "the request is too large\n"));
      } else {
        return Progress::kGoesOn;
      }
    }
    return Write();
  }

 private:
  Progress Read() {
    char buffer[4096];
    const ssize_t got = recv(descriptor_, buffer, sizeof(buffer), 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR ? Progress::kGoesOn : Progress::kEnded;
    if (got == 0) return Progress::kEnded;
    if (response_.empty()) request_.append(buffer, static_cast<size_t>(got));
    return Progress::kGoesOn;
  }

  Progress Write() {
    while (IsResponding()) {
      const ssize_t sent =
          send(descriptor_, response_.data() + written_, response_.size() - written_, MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR) return Progress::kEnded;
        watch_->SetInterest(DescriptorWatch::kWritable);
        return Progress::kGoesOn;
      }
      written_ += static_cast<size_t>(sent);
    }
    // To close now would reset the connection if the client has sent more, and the reset would
    // overtake the response.
    shutdown(descriptor_, SHUT_WR);
    watch_->SetInterest(DescriptorWatch::kReadable);
    return Progress::kGoesOn;
  }

  const int descriptor_;
  const SteadyTime ends_at_;
  std::unique_ptr<DescriptorWatch> watch_;
  std::string request_;
  std::string response_;  // empty until the request is whole
  size_t written_ = 0;
};

// All connections, and the socket that they come from. Loop thread only.
class Connections {
 public:
  // Takes the listening socket over.
  Connections(EventLoop& loop, int listener, MetricsServer::Pages pages)
      : loop_(loop),
        listener_(listener),
        pages_(std::move(pages)),
        watch_(std::make_unique<DescriptorWatch>(loop, listener, [this](unsigned) { Accept(); })),
        pause_(loop, [this] { watch_->SetInterest(DescriptorWatch::kReadable); }),
        too_long_(loop, [this] { EndOverdue(); }) {
    watch_->SetInterest(DescriptorWatch::kReadable);
  }
  ~Connections() {
    watch_.reset();
    close(listener_);
  }
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

 private:
  using Place = std::list<std::unique_ptr<Connection>>::iterator;

  // A share of those that wait, so that requests are answered in between.
  void Accept() {
    for (size_t i = 0; i < kMaxConnections / 2; ++i) {
      const int descriptor = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (descriptor >= 0) {
        Add(descriptor);
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        // The listening socket stays readable, and the loop would turn without end.
        watch_->SetInterest(DescriptorWatch::kNone);
        pause_.StartAt(std::chrono::steady_clock::now() + kPause);
        return;
      } else if (errno == EAGAIN) {
        return;
      }
    }
  }

  void Add(int descriptor) {
    if (all_.size() == kMaxConnections) {
      const auto waits = [](const auto& connection) { return !connection->IsResponding(); };
      const auto oldest = std::find_if(all_.begin(), all_.end(), waits);
      all_.erase(oldest == all_.end() ? all_.begin() : oldest);
    }
    const Place place = all_.emplace(all_.end());
    *place = std::make_unique<Connection>(loop_, descriptor, [this, place] {
      if ((*place)->GoOn(pages_) == Connection::Progress::kEnded) all_.erase(place);
    });
    if (all_.size() == 1) WaitForOldest();
  }

  void EndOverdue() {
    const SteadyTime now = std::chrono::steady_clock::now();
    while (!all_.empty() && all_.front()->ends_at() <= now) all_.pop_front();
    WaitForOldest();
  }

  // The oldest may end earlier by itself; the timer then finds nothing to do and waits for the
  // next.
  void WaitForOldest() {
    if (!all_.empty()) too_long_.StartAt(all_.front()->ends_at());
  }

  EventLoop& loop_;
  const int listener_;
  MetricsServer::Pages pages_;
  std::unique_ptr<DescriptorWatch> watch_;
  Timer pause_;
  Timer too_long_;
  std::list<std::unique_ptr<Connection>> all_;  // in the order in which they came
};

class HttpServer final : public MetricsServer {
 public:
  HttpServer(std::unique_ptr<EventLoop> loop, int listener, MetricsServer::Pages pages)
      : loop_(std::move(loop)) {
    sockaddr_in6 address = {};  // of both families the longer one, with the port at the same place
    static_assert(offsetof(sockaddr_in6, sin6_port) == offsetof(sockaddr_in, sin_port));
    socklen_t size = sizeof(address);
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin6_port);
    loop_->RunAndWait([&] {
      pthread_setname_np(pthread_self(), "metrics");
      connections_ = std::make_unique<Connections>(*loop_, listener, std::move(pages));
    });
  }
  ~HttpServer() override {
    loop_->RunAndWait([this] { connections_.reset(); });
  }

  int port() const override { return port_; }

 private:
  // Of its own: what the gateway does must not hide what it counts.
  const std::unique_ptr<EventLoop> loop_;
  int port_ = 0;
  std::unique_ptr<Connections> connections_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& address,
                                                                    Pages pages) {
  auto loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  const auto listener = Listen(address);
  if (!listener.ok()) return listener.status();
  return std::make_unique<HttpServer>(*std::move(loop), *listener, std::move(pages));
}

}  // namespace gateway
