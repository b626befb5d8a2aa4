#include "tests/fake_passfort/http_server.h"

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <csignal>
#include <exception>
#include <string_view>
#include <utility>  // Boost 1.74's awaitable.hpp needs it and does not include it
#include <vector>

#include "tests/fake_passfort/answer.h"
#include "tests/fake_passfort/control.h"

namespace gateway {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;
using Parser = http::request_parser<http::string_body>;

constexpr uint64_t kMaxBody = 16 * 1024 * 1024;
constexpr uint32_t kMaxHead = 64 * 1024;
// How long a closed connection is read from, so that the client gets the FIN and not the RST which
// the kernel sends for unread bytes.
constexpr milliseconds kLinger{2000};
constexpr milliseconds kPauseWithoutDescriptors{20};

// A coroutine waits and puts the error, if any, into `failed`.
auto Into(error_code& failed) { return asio::redirect_error(asio::use_awaitable, failed); }

// An exception that leaves a coroutine is a bug here: it leaves Run too and ends the process.
void Rethrow(std::exception_ptr bug) {
  if (bug) std::rethrow_exception(bug);
}

struct Link {
  Link(tcp::socket accepted, uint64_t link_number)
      : socket(std::move(accepted)), number(link_number) {}

  tcp::socket socket;
  boost::beast::flat_buffer unread;
  uint64_t number;
};

std::string Str(boost::beast::string_view text) { return {text.data(), text.size()}; }

LoggedRequest HeadOf(const Parser& parser, uint64_t link_number) {
  LoggedRequest head;
  head.connection = link_number;
  head.method = Str(parser.get().method_string());
  head.target = Str(parser.get().target());
  for (const auto& field : parser.get()) {
    head.headers.emplace_back(Str(field.name_string()), Str(field.value()));
  }
  return head;
}

void Reset(Link& link) {
  error_code ignored;
  link.socket.set_option(asio::socket_base::linger(true, 0), ignored);
  link.socket.close(ignored);
}

}  // namespace

class HttpServer::Loop {
 public:
  Loop(Backend& backend, milliseconds delay) : backend_(backend), delay_(delay) {}

  std::error_code Listen(const std::string& host, uint16_t port) {
    error_code failed;
    const tcp::endpoint endpoint(asio::ip::make_address(host, failed), port);
    if (!failed) acceptor_.open(endpoint.protocol(), failed);
    if (!failed) acceptor_.set_option(tcp::acceptor::reuse_address(true), failed);
    if (!failed) acceptor_.bind(endpoint, failed);
    if (!failed) acceptor_.listen(asio::socket_base::max_listen_connections, failed);
    if (!failed) port_ = acceptor_.local_endpoint(failed).port();
    if (!failed) asio::co_spawn(io_, AcceptAll(), Rethrow);
    return failed;
  }

  uint16_t port() const { return port_; }

  void StopOnSignals() {
    signals_.add(SIGTERM);
    signals_.add(SIGINT);
    signals_.async_wait([this](error_code failed, int) {
      if (!failed) io_.stop();
    });
  }

  void Run() { io_.run(); }
  void Stop() { io_.stop(); }
  void Release() {
    asio::post(io_, [this] { ReleaseHeld(); });
  }

 private:
  enum class Next { kAnotherRequest, kNothing };

  asio::awaitable<void> AcceptAll() {
    for (uint64_t number = 1;; ++number) {
      error_code failed;
      tcp::socket socket = co_await acceptor_.async_accept(Into(failed));
      if (failed == asio::error::operation_aborted) co_return;
      if (failed) {
        // Out of descriptors, most likely: those who wait in the backlog get their turn.
        co_await Sleep(kPauseWithoutDescriptors);
        continue;
      }
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      asio::co_spawn(io_, Serve(std::make_shared<Link>(std::move(socket), number)), Rethrow);
    }
  }

  // The timers of Close may outlive the coroutine, hence the shared Link.
  asio::awaitable<void> Serve(std::shared_ptr<Link> link) {
    while (co_await ServeOne(link) == Next::kAnotherRequest) {
    }
  }

  asio::awaitable<Next> ServeOne(std::shared_ptr<Link> link) {
    Parser parser;
    parser.body_limit(kMaxBody);
    parser.header_limit(kMaxHead);
    error_code failed;
    co_await http::async_read_header(link->socket, link->unread, parser, Into(failed));
    if (failed) {
      co_await Close(link);
      co_return Next::kNothing;
    }
    if (IsControlTarget(std::string_view(Str(parser.get().target())))) {
      co_return co_await ServeControl(link, parser);
    }
    co_return co_await ServeApi(link, parser);
  }

  asio::awaitable<Next> ServeControl(std::shared_ptr<Link> link, Parser& parser) {
    if (!co_await ReadBody(*link, parser)) co_return Next::kNothing;
    const std::string method = Str(parser.get().method_string());
    const std::string target = Str(parser.get().target());
    GivenAnswer answer{200, "{}"};
    if (method == "POST" && target == "/control/release") {
      ReleaseHeld();
    } else {
      answer = Control(backend_, method, target, parser.get().body());
    }
    const bool keeps = parser.get().keep_alive();
    const WireAnswer wire =
        OnWire(answer, AnswerScript(), keeps ? Connection::kKept : Connection::kClosed);
    co_await Write(*link, wire.head + wire.body);
    if (keeps) co_return Next::kAnotherRequest;
    co_await Close(link);
    co_return Next::kNothing;
  }

  asio::awaitable<Next> ServeApi(std::shared_ptr<Link> link, Parser& parser) {
    Exchange exchange = backend_.Begin(HeadOf(parser, link->number));
    const int64_t releases = releases_;
    const Fault& fault = exchange.fault;
    if (fault.read == Fault::Read::kWhole) {
      const bool whole = co_await ReadBody(*link, parser);
      backend_.BodyCame(exchange, parser.get().body(),
                        whole ? Backend::Body::kWhole : Backend::Body::kBroken);
      if (!whole) co_return Next::kNothing;
    }

    if (fault.hold == Fault::Hold::kBeforeCarryingOut) co_await Held(releases);
    GivenAnswer answer = NotExecutedAnswer(fault.answer);
    if (fault.carry_out != Fault::CarryOut::kLate) {
      co_await Sleep(fault.carry_out_after);
      answer = backend_.Apply(exchange);
    }
    if (fault.hold == Fault::Hold::kBeforeAnswer) co_await Held(releases);
    co_await Sleep(delay_ + fault.answer_after);

    const Next next =
        co_await Finish(link, exchange, Edited(answer, fault.answer), parser.get().keep_alive());
    if (fault.carry_out == Fault::CarryOut::kLate) {
      asio::co_spawn(io_, ApplyLate(std::move(exchange)), Rethrow);
    }
    co_return next;
  }

  asio::awaitable<void> ApplyLate(Exchange exchange) {
    co_await Sleep(exchange.fault.carry_out_after);
    backend_.Apply(exchange);
  }

  // Sends what is to be sent and does with the connection what is to be done.
  asio::awaitable<Next> Finish(std::shared_ptr<Link> link, const Exchange& exchange,
                               GivenAnswer answer, bool client_keeps) {
    const Fault& fault = exchange.fault;
    bool may_keep = client_keeps && fault.read == Fault::Read::kWhole;
    if (fault.send == Fault::Send::kNothing) {
      may_keep = false;
    } else {
      const WireAnswer wire =
          OnWire(answer, fault.answer, may_keep ? Connection::kKept : Connection::kClosed);
      backend_.Answered(exchange, wire.status);
      if (!co_await WriteAnswer(*link, wire, fault.answer)) may_keep = false;
      if (wire.is_cut || wire.ends_with_connection) may_keep = false;
    }
    if (fault.then == Fault::Then::kAsUsual && may_keep) co_return Next::kAnotherRequest;
    if (fault.then == Fault::Then::kHang) co_await UntilClientIsGone(*link);
    if (fault.then == Fault::Then::kReset) {
      Reset(*link);
    } else {
      co_await Close(link);
    }
    co_return Next::kNothing;
  }

  // False if the rest of the request does not come.
  asio::awaitable<bool> ReadBody(Link& link, Parser& parser) {
    error_code failed;
    if (parser.get()[http::field::expect] == "100-continue" && !parser.is_done()) {
      if (!co_await Write(link, "HTTP/1.1 100 Continue\r\n\r\n")) co_return false;
    }
    co_await http::async_read(link.socket, link.unread, parser, Into(failed));
    co_return !failed;
  }

  asio::awaitable<bool> Write(Link& link, std::string bytes) {
    error_code failed;
    co_await asio::async_write(link.socket, asio::buffer(bytes), Into(failed));
    co_return !failed;
  }

  asio::awaitable<bool> WriteAnswer(Link& link, const WireAnswer& wire,
                                    const AnswerScript& script) {
    if (script.piece_bytes == 0) co_return co_await Write(link, wire.head + wire.body);
    if (!co_await Write(link, wire.head)) co_return false;
    for (size_t sent = 0; sent < wire.body.size(); sent += script.piece_bytes) {
      if (!co_await Write(link, wire.body.substr(sent, script.piece_bytes))) co_return false;
      co_await Sleep(script.piece_pause);
    }
    co_return true;
  }

  asio::awaitable<void> UntilClientIsGone(Link& link) {
    std::array<char, 4096> ignored;
    error_code gone;
    while (!gone) co_await link.socket.async_read_some(asio::buffer(ignored), Into(gone));
  }

  // FIN, then whatever the client still sends is thrown away, for a while.
  asio::awaitable<void> Close(std::shared_ptr<Link> link) {
    error_code failed;
    link->socket.shutdown(tcp::socket::shutdown_send, failed);
    if (failed) co_return;
    asio::steady_timer enough(io_, kLinger);
    enough.async_wait([link](error_code stopped) {
      error_code ignored;
      if (!stopped) link->socket.close(ignored);
    });
    co_await UntilClientIsGone(*link);
    enough.cancel();
    link->socket.close(failed);
  }

  asio::awaitable<void> Sleep(milliseconds time) {
    if (time.count() <= 0) co_return;
    asio::steady_timer timer(io_, time);
    error_code ignored;
    co_await timer.async_wait(Into(ignored));
  }

  // Not if there was a release since its request began: whoever saw the request counted may release
  // it before it gets here.
  asio::awaitable<void> Held(int64_t releases) {
    if (releases != releases_) co_return;
    asio::steady_timer timer(io_, asio::steady_timer::time_point::max());
    held_.push_back(&timer);
    error_code released;
    co_await timer.async_wait(Into(released));
  }

  void ReleaseHeld() {
    ++releases_;
    for (asio::steady_timer* const timer : std::exchange(held_, {})) timer->cancel();
  }

  Backend& backend_;
  const milliseconds delay_;
  uint16_t port_ = 0;
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  asio::signal_set signals_{io_};
  int64_t releases_ = 0;
  std::vector<asio::steady_timer*> held_;  // in the frames of Held; a released one is taken out
};

HttpServer::HttpServer(Backend& backend, milliseconds delay)
    : loop_(std::make_unique<Loop>(backend, delay)) {}
HttpServer::~HttpServer() = default;
std::error_code HttpServer::Listen(const std::string& host, uint16_t port) {
  return loop_->Listen(host, port);
}
uint16_t HttpServer::port() const { return loop_->port(); }
void HttpServer::StopOnSignals() { loop_->StopOnSignals(); }
void HttpServer::Run() { loop_->Run(); }
void HttpServer::Stop() { loop_->Stop(); }
void HttpServer::Release() { loop_->Release(); }

}  // namespace gateway
