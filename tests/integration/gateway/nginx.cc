#include "tests/integration/gateway/nginx.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace gateway {
namespace {

constexpr char kNginxProgram[] = "/usr/sbin/nginx";
constexpr char kRequestMark[] = "request: ";
constexpr char kRequestsOfConnectionMark[] = "requests of this connection: ";

std::string NewFolder() {
  std::string path = (std::filesystem::temp_directory_path() / "gateway_test_XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) {
    std::perror("a folder for nginx");
    std::abort();
  }
  return path;
}

// A port that is free now. nginx takes no socket that is open already, so another program may be
// faster: then there is another port.
int FreePort() {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(descriptor, generic, size) != 0 || getsockname(descriptor, generic, &size) != 0) {
    std::perror("a free port for nginx");
    std::abort();
  }
  close(descriptor);
  return ntohs(address.sin_port);
}

void WriteFile(const std::string& path, std::string_view text) { std::ofstream(path) << text; }

std::string Configuration(int port, std::string_view location, const Nginx::Server& server) {
  std::string tls;
  if (server.identity) {
    tls = "    ssl_certificate certificate.pem;\n    ssl_certificate_key key.pem;\n";
  }
  return absl::StrCat(
      "daemon off;\n"
      "worker_processes 1;\n",
      // Its folders belong to whoever runs the test.
      geteuid() == 0 ? "user root;\n" : "",
      "pid nginx.pid;\n"
      "error_log stderr notice;\n"
      "events {}\n"
      "http {\n"
      // Its own folders, because others belong to root.
      "  client_body_temp_path body;\n"
      "  proxy_temp_path proxy;\n"
      "  fastcgi_temp_path fastcgi;\n"
      "  uwsgi_temp_path uwsgi;\n"
      "  scgi_temp_path scgi;\n"
      "  log_format seen '",
      kRequestMark, R"("$request" "$http_apikey" "$content_type"';)",
      "\n"
      "  log_format carried '",
      kRequestsOfConnectionMark,
      "$connection_requests';\n"
      "  access_log /dev/stdout seen;\n"
      "  access_log /dev/stdout carried;\n  ",
      server.settings_for_all,
      "\n"
      "  server {\n"
      "    listen 127.0.0.1:",
      port, server.identity ? " ssl " : " ", server.listen, ";\n", tls, "    ", server.settings,
      "\n"
      "    default_type application/json;\n"
      "    location / {\n",
      std::string(location),
      "\n"
      "    }\n"
      "  }\n"
      "}\n");
}

}  // namespace

Nginx::Nginx(std::string_view location, const Server& server)
    : folder_(NewFolder()), scheme_(server.identity ? "https" : "http") {
  if (server.identity) {
    WriteFile(folder_ + "/certificate.pem", server.identity->certificate_pem);
    WriteFile(folder_ + "/key.pem", server.identity->key_pem);
  }
  constexpr int kTries = 10;
  for (int i = 0; i < kTries; ++i) {
    port_ = FreePort();
    const std::string configuration = folder_ + "/nginx.conf";
    WriteFile(configuration, Configuration(port_, location, server));
    process_ = std::make_unique<ChildProcess>(
        ChildProcess::Command{.program = kNginxProgram,
                              .arguments = {"-p", folder_, "-c", configuration, "-e", "stderr"},
                              .environment = {}});
    // Comes when it has the port.
    if (process_->WaitForLine("using the \"")) return;
  }
  std::fprintf(stderr, "%s (package nginx-light) does not start; it wrote:\n", kNginxProgram);
  for (const auto& line : process_->ErrorLines()) std::fprintf(stderr, "%s\n", line.c_str());
  std::abort();
}

Nginx::~Nginx() {
  process_->Signal(SIGTERM);  // the worker goes with its master only if that is asked to
  process_->WaitForExit();
  process_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string Nginx::FirstRequest() const {
  const auto line = process_->WaitForLine(kRequestMark);
  return line ? line->substr(sizeof kRequestMark - 1) : "";
}

// From /proc/net/tcp: "sl local_address rem_address st ...", in hexadecimal.
int Nginx::OpenConnections() const {
  constexpr std::string_view kEstablished = "01";
  const std::string port = absl::StrFormat(":%04X", port_);
  std::ifstream table("/proc/net/tcp");
  int count = 0;
  for (std::string line; std::getline(table, line);) {
    std::istringstream columns(line);
    std::string number;
    std::string local;
    std::string remote;
    std::string state;
    columns >> number >> local >> remote >> state;
    if (remote.ends_with(port) && state == kEstablished) ++count;
  }
  return count;
}

bool Nginx::OneConnectionCarries(size_t requests) const {
  const std::string wanted = absl::StrCat(kRequestsOfConnectionMark, requests);
  return process_->WaitForLine([&](const std::string& line) { return line == wanted; }).has_value();
}

}  // namespace gateway
