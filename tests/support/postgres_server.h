#ifndef TESTS_SUPPORT_POSTGRES_SERVER_H_
#define TESTS_SUPPORT_POSTGRES_SERVER_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/reserved_port.h"

namespace gateway {

// A real PostgreSQL in a temporary folder, which goes with it: on a Unix socket without a
// password, and on a free port of 127.0.0.1 with TLS and SCRAM only. It writes to no disk for sure
// (fsync is off). As root it runs as the user `postgres`, since PostgreSQL refuses root. What
// cannot be done ends the program with the reason: no test could go on.
//
// Making one takes seconds, so a program has one: `PostgresServer::OfThisProgram()`.
class PostgresServer {
 public:
  static constexpr char kPassword[] = "a-p%ss:word/of@tests";

  static PostgresServer& OfThisProgram();

  PostgresServer();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // A new empty database's name.
  std::string CreateDatabase();
  // By the Unix socket.
  std::string Url(const std::string& database) const;
  // By TLS to `localhost`, with the certificate checked; the password as given, escaped here.
  std::string TlsUrl(const std::string& database, const std::string& password = kPassword) const;

  // The same to a name that is not this machine's, by its address. The certificate is for
  // `kRemoteName` too, and for no other one.
  static constexpr char kRemoteName[] = "records.example";
  std::string RemoteUrl(const std::string& database, const std::string& name = kRemoteName) const;

  // Runs one or more statements as superuser; the first value of the last one's first row, if any.
  std::string Execute(const std::string& database, const std::string& sql);

  // Ends all connections at once, as a crash does; then takes new ones after `Start`.
  void Stop();
  // As Stop, by kill -9 of all its processes: not one of them gets to do anything more.
  void Kill();
  void Start();
  // All of its processes stand still; the kernel goes on taking connections.
  void Pause();
  void Resume();

 private:
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  void WriteFile(const std::string& name, const std::string& text) const;
  // Runs a program as the server's user and waits for its end.
  void StartServer();
  std::string LogText() const;
  void RunProgram(const std::vector<std::string>& command) const;
  pid_t StartProgram(const std::vector<std::string>& command) const;
  std::vector<pid_t> Children() const;
  void SignalAll(int signal) const;

  std::string folder_;
  uid_t user_;
  gid_t group_;
  const ReservedPort port_;  // kept over restarts: clients come back to the same place
  pid_t server_ = -1;
  int databases_ = 0;
};

}  // namespace gateway

#endif  // TESTS_SUPPORT_POSTGRES_SERVER_H_
