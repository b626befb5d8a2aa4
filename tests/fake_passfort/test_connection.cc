#include "tests/fake_passfort/test_connection.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cctype>

namespace gateway {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr uint64_t kMaxAnswer = 1 << 30;

Reply::Ending EndingOf(error_code failed) {
  if (!failed) return Reply::Ending::kWhole;
  if (failed == http::error::end_of_stream) return Reply::Ending::kClosed;
  if (failed == http::error::partial_message) return Reply::Ending::kCut;
  if (failed == asio::error::connection_reset || failed == asio::error::broken_pipe) {
    return Reply::Ending::kReset;
  }
  return Reply::Ending::kNotHttp;
}

}  // namespace

struct TestConnection::Socket {
  asio::io_context io;
  asio::ip::tcp::socket tcp{io};
  boost::beast::flat_buffer unread;
  // A reset that meets a write is told once, there; the read after it sees an ordinary end.
  error_code write_error;
};

TestConnection::TestConnection(uint16_t port) : socket_(std::make_unique<Socket>()) {
  error_code refused;  // shows in what Read gives
  socket_->tcp.connect({asio::ip::address_v4::loopback(), port}, refused);
}

TestConnection::~TestConnection() = default;

Reply TestConnection::Send(std::string_view method, std::string_view target, std::string_view body,
                           std::string_view api_key) {
  Write(method, target, body, api_key);
  return Read();
}

void TestConnection::Write(std::string_view method, std::string_view target, std::string_view body,
                           std::string_view api_key) {
  std::string request = std::string(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  request.append("Host: 127.0.0.1\r\n");
  if (!api_key.empty()) request.append("apikey: ").append(api_key).append("\r\n");
  if (method != "GET") {
    request.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  }
  WriteRaw(request.append("\r\n").append(body));
}

void TestConnection::WriteRaw(std::string_view bytes) {
  asio::write(socket_->tcp, asio::buffer(bytes.data(), bytes.size()), socket_->write_error);
}

Reply TestConnection::Read() {
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMaxAnswer);
  error_code failed;
  http::read(socket_->tcp, socket_->unread, parser, failed);

  Reply reply;
  reply.ending = EndingOf(socket_->write_error ? socket_->write_error : failed);
  if (!parser.is_header_done()) return reply;
  reply.status = static_cast<int>(parser.get().result_int());
  reply.body = parser.get().body();
  for (const auto& field : parser.get()) {
    std::string name(field.name_string().data(), field.name_string().size());
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    reply.headers[name] = std::string(field.value().data(), field.value().size());
  }
  return reply;
}

Reply SendOnce(uint16_t port, std::string_view method, std::string_view target,
               std::string_view body, std::string_view api_key) {
  return TestConnection(port).Send(method, target, body, api_key);
}

}  // namespace gateway
