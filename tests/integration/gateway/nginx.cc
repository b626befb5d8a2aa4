#include "tests/integration/gateway/nginx.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace gateway {
namespace {

constexpr char kNginxProgram[] = "/usr/sbin/nginx";
constexpr std::string_view kRequestMark = "request: ";

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

void WriteConfiguration(const std::string& path, int port, std::string_view location) {
  std::ofstream(path) << "daemon off;\n"
                      << "master_process off;\n"
                      << "pid nginx.pid;\n"
                      << "error_log stderr notice;\n"
                      << "events {}\n"
                      << "http {\n"
                      // Its own folders, because others belong to root.
                      << "  client_body_temp_path body;\n"
                      << "  proxy_temp_path proxy;\n"
                      << "  fastcgi_temp_path fastcgi;\n"
                      << "  uwsgi_temp_path uwsgi;\n"
                      << "  scgi_temp_path scgi;\n"
                      << "  log_format seen '" << kRequestMark
                      << "\"$request\" \"$http_apikey\" \"$content_type\"';\n"
                      << "  access_log /dev/stdout seen;\n"
                      << "  server {\n"
                      << "    listen 127.0.0.1:" << port << ";\n"
                      << "    default_type application/json;\n"
                      << "    location / {\n"
                      << location << "\n"
                      << "    }\n"
                      << "  }\n"
                      << "}\n";
}

}  // namespace

Nginx::Nginx(std::string_view location) : folder_(NewFolder()) {
  constexpr int kTries = 10;
  for (int i = 0; i < kTries; ++i) {
    port_ = FreePort();
    const std::string configuration = folder_ + "/nginx.conf";
    WriteConfiguration(configuration, port_, location);
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
  process_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string Nginx::FirstRequest() const {
  const auto line = process_->WaitForLine(kRequestMark);
  return line ? line->substr(kRequestMark.size()) : "";
}

}  // namespace gateway
