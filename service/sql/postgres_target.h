#ifndef SERVICE_SQL_POSTGRES_TARGET_H_
#define SERVICE_SQL_POSTGRES_TARGET_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace gateway {

// One server that a connection may go to; members are empty where libpq has defaults.
struct PostgresHost {
  // A host's name, which TLS checks the certificate against, or the folder of a Unix socket.
  std::string name;
  // The numeric address, if it is known.
  std::string address;
  std::string port;

  // libpq would look the name up itself, and block the loop meanwhile.
  bool NeedsLookup() const;

  friend bool operator==(const PostgresHost&, const PostgresHost&) = default;
};

// Where and how to connect: a connection URL as libpq reads it, its environment variables included.
struct PostgresTarget {
  // In the order in which they are tried.
  std::vector<PostgresHost> hosts;
  // All other settings by libpq's names.
  std::vector<std::pair<std::string, std::string>> settings;
};

// Whether the password and the records may be read, and changed, by whoever is on the way to a
// server beyond this machine. libpq's default, sslmode=prefer, sends the password in clear text to
// a server that has no TLS and asks for it.
enum class InsecureStore { kRefused, kAllowed };

// INVALID_ARGUMENT also if a server is beyond this machine and the URL does not demand
// sslmode=verify-full, unless `insecure` allows it. On this machine are Unix sockets, `localhost`
// and loopback addresses; with a name and a `hostaddr`, both have to be.
//
// With verify-full and without a client certificate, channel_binding=require is the default, which
// leaves nothing to a server that has a certificate for the name but does not know the password.
// A server or proxy without SCRAM needs channel_binding=prefer in the URL.
//
// INVALID_ARGUMENT if libpq cannot read `url`; the message holds no part of it, since any part may
// be one of a password with a character unescaped. `service=` is refused: libpq would read the
// host's name out of a file and look it up itself.
absl::StatusOr<PostgresTarget> ParsePostgresUrl(const std::string& url,
                                                InsecureStore insecure = InsecureStore::kRefused);

// The addresses of all `hosts` that have one, in order. Blocks on the way to name servers.
std::vector<PostgresHost> LookUpPostgresHosts(const std::vector<PostgresHost>& hosts);

}  // namespace gateway

#endif  // SERVICE_SQL_POSTGRES_TARGET_H_
