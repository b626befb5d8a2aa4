#include "tests/integration/sql/postgres_proxy.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "service/sql/postgres_target.h"
#include "tests/fakes/run_task.h"

namespace gateway {
namespace {

// Messages of PostgreSQL's protocol, version 3.
constexpr absl::string_view kSync("S\0\0\0\x04", 5);
constexpr absl::string_view kReadyForQuery("Z\0\0\0\x05", 5);
constexpr char kTerminate = 'X';
// In a Parse message: the statement's name, which is empty, and its text.
constexpr absl::string_view kNamedCommit("\0COMMIT\0", 8);
constexpr size_t kNameAt = 5;
constexpr size_t kTextAt = 6;
constexpr absl::string_view kAbort = "ABORT;";

class ServerSocket {
 public:
  explicit ServerSocket(const PostgresHost& host)
      : descriptor_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    // So that a test that fails does not wait for ever.
    const timeval bound = {.tv_sec = kTaskBound.count(), .tv_usec = 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
    sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
    std::snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.%s", host.name.c_str(),
                  host.port.c_str());
    if (connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
      return;
    }
    std::perror("the proxy's connection to PostgreSQL");
    std::abort();
  }
  ~ServerSocket() { close(descriptor_); }
  ServerSocket(const ServerSocket&) = delete;
  ServerSocket& operator=(const ServerSocket&) = delete;

  void Write(const std::string& bytes) {
    size_t written = 0;
    while (written < bytes.size()) {
      const ssize_t count =
          send(descriptor_, bytes.data() + written, bytes.size() - written, MSG_NOSIGNAL);
      if (count <= 0) return;
      written += static_cast<size_t>(count);
    }
  }
  // What comes before the server waits for more, or ends the connection.
  std::string Answer() {
    std::string answer;
    const auto is_ready = [&answer] {
      const size_t tail = kReadyForQuery.size() + 1;  // the transaction's state is at its end
      return answer.size() >= tail &&
             absl::StartsWith(absl::string_view(answer).substr(answer.size() - tail),
                              kReadyForQuery);
    };
    char buffer[4096];
    while (!is_ready()) {
      const ssize_t count = read(descriptor_, buffer, sizeof(buffer));
      if (count <= 0) break;
      answer.append(buffer, static_cast<size_t>(count));
    }
    return answer;
  }

 private:
  const int descriptor_;
};

// Begins with its length, unlike all others.
bool IsWholeStart(const std::string& bytes) {
  uint32_t size = 0;
  for (size_t i = 0; i < 4 && i < bytes.size(); ++i) {
    size = (size << 8) | static_cast<unsigned char>(bytes[i]);
  }
  return bytes.size() >= 4 && bytes.size() >= size;
}

bool IsWholeFlight(const std::string& bytes) {
  return absl::EndsWith(bytes, kSync) || bytes.front() == kTerminate;
}

bool IsCommitApart(const std::string& flight) {
  return flight.compare(kNameAt, kNamedCommit.size(),
                        std::string(kNamedCommit.data(), kNamedCommit.size())) == 0;
}

}  // namespace

std::string PostgresProxy::Url(const std::string& database) const {
  return absl::StrCat("postgresql://gateway@127.0.0.1:", clients_.port(), "/", database,
                      "?sslmode=disable");
}

void PostgresProxy::Serve(ServerConnection& client) {
  const auto target = ParsePostgresUrl(server_.Url("postgres"));
  ServerSocket server(target->hosts.front());
  bool has_started = false;
  std::string flight;
  char buffer[4096];
  while (const size_t size = client.Read(buffer, sizeof(buffer))) {
    flight.append(buffer, size);
    if (!(has_started ? IsWholeFlight(flight) : IsWholeStart(flight))) continue;
    const bool is_commit = has_started && flight.size() > kNameAt && IsCommitApart(flight);
    has_started = true;
    const AtCommit fate = is_commit ? at_commit_.load() : AtCommit::kForward;
    if (fate == AtCommit::kCut) return;
    if (fate == AtCommit::kAbort) flight.replace(kTextAt, kAbort.size(), kAbort.data());
    if (fate != AtCommit::kAwaitServer) server.Write(flight);
    flight.clear();
    const std::string answer = server.Answer();
    if (fate == AtCommit::kLoseAnswer || !client.Write(answer)) return;
    if (fate == AtCommit::kAwaitServer) return;
  }
}

}  // namespace gateway
