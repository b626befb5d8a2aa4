#include "tests/support/raw_http_server.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";
// Far beyond what a client under test takes.
constexpr std::chrono::seconds kServerBound{60};

RawRequest ParseHead(const std::string& head) {
  RawRequest request;
  const size_t line_end = head.find("\r\n");
  const std::string start = head.substr(0, line_end);
  const size_t first_space = start.find(' ');
  const size_t last_space = start.rfind(' ');
  request.method = start.substr(0, first_space);
  if (last_space > first_space) {
    request.target = start.substr(first_space + 1, last_space - first_space - 1);
  }
  size_t at = line_end + 2;
  while (at < head.size()) {
    const size_t end = std::min(head.find("\r\n", at), head.size());
    const std::string line = head.substr(at, end - at);
    const size_t colon = line.find(':');
    if (colon != std::string::npos) {
      std::string name = line.substr(0, colon);
      absl::AsciiStrToLower(&name);
      std::string value = line.substr(colon + 1);
      absl::StripAsciiWhitespace(&value);
      request.headers.emplace_back(std::move(name), std::move(value));
    }
    at = end + 2;
  }
  return request;
}

}  // namespace

std::string RawRequest::Header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return value;
  }
  return "";
}

bool RawConnection::ReadMore() {
  char buffer[16 * 1024];
  const size_t count = connection_.Read(buffer, sizeof buffer);
  unread_.append(buffer, count);
  return count > 0;
}

std::optional<RawRequest> RawConnection::ReadRequest() {
  size_t head_end = 0;
  while ((head_end = unread_.find(kEndOfHead)) == std::string::npos) {
    if (!ReadMore()) return std::nullopt;
  }
  RawRequest request = ParseHead(unread_.substr(0, head_end));
  unread_.erase(0, head_end + kEndOfHead.size());
  const size_t body_size = std::strtoul(request.Header("content-length").c_str(), nullptr, 10);
  while (unread_.size() < body_size) {
    if (ReadMore()) continue;
    request.body = unread_;
    on_broken_request_(std::move(request));
    return std::nullopt;
  }
  request.body = unread_.substr(0, body_size);
  unread_.erase(0, body_size);
  on_request_(request);
  return request;
}

bool RawConnection::Answer(int status, std::string_view body) {
  return Write(absl::StrCat("HTTP/1.1 ", status, " Scripted\r\nContent-Length: ", body.size(),
                            "\r\n\r\n", std::string(body)));
}

RawHttpServer::RawHttpServer(Script script, std::optional<TlsIdentity> identity,
                             ConnectionServer::TlsStart tls_start)
    : script_(std::move(script)),
      server_(
          [this](ServerConnection& accepted) {
            const auto keep_in = [this](std::vector<RawRequest>& requests) {
              return [this, &requests](RawRequest request) {
                const std::lock_guard lock(mutex_);
                requests.push_back(std::move(request));
                changed_.notify_all();
              };
            };
            RawConnection connection(accepted, keep_in(requests_), keep_in(broken_requests_));
            script_(connection);
          },
          std::move(identity), "http/1.1", tls_start) {}

std::vector<RawRequest> RawHttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::vector<RawRequest> RawHttpServer::broken_requests() const {
  const std::lock_guard lock(mutex_);
  return broken_requests_;
}

int RawHttpServer::Posts(std::string_view body) const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(std::ranges::count_if(requests_, [body](const RawRequest& request) {
    return request.method == "POST" && request.body == body;
  }));
}

RawRequest RawHttpServer::WaitForBrokenRequest() {
  std::unique_lock lock(mutex_);
  const bool came =
      changed_.wait_for(lock, kServerBound, [this] { return !broken_requests_.empty(); });
  if (!came) {
    std::fprintf(stderr, "waited in vain for a request that ends within its body\n");
    std::abort();
  }
  return broken_requests_.front();
}

std::vector<RawRequest> RawHttpServer::BrokenRequestsOf(int connections) {
  server_.WaitUntilEnded(connections);
  return broken_requests();
}

RawHttpServer::Script AnswerAll(std::string body) {
  return [body = std::move(body)](RawConnection& connection) {
    while (connection.ReadRequest()) connection.Answer(200, body);
  };
}

}  // namespace gateway
