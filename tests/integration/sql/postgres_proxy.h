#ifndef TESTS_INTEGRATION_SQL_POSTGRES_PROXY_H_
#define TESTS_INTEGRATION_SQL_POSTGRES_PROXY_H_

#include <atomic>
#include <string>
#include <string_view>

#include "tests/support/connection_server.h"
#include "tests/support/postgres_server.h"

namespace gateway {

// Stands between a client and a PostgreSQL server, and may do harm where a COMMIT comes by in a
// flight of its own. Everything else goes through.
class PostgresProxy {
 public:
  enum class AtCommit {
    kForward,
    // Both connections end; the server has not got it.
    kCut,
    // The server has done it, but the client's connection ends before the answer.
    kLoseAnswer,
    // It is held back until the server ends the connection.
    kAwaitServer,
    // It becomes ABORT, which answers ROLLBACK without an error, as does COMMIT of what has failed.
    kAbort,
  };

  // `server` outlives the proxy.
  explicit PostgresProxy(const PostgresServer& server)
      : server_(server), clients_([this](ServerConnection& client) { Serve(client); }) {}

  std::string Url(const std::string& database) const;
  void Do(AtCommit at_commit) { at_commit_ = at_commit; }

 private:
  void Serve(ServerConnection& client);

  const PostgresServer& server_;
  std::atomic<AtCommit> at_commit_ = AtCommit::kForward;
  ConnectionServer clients_;  // last: its threads use the others
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_SQL_POSTGRES_PROXY_H_
