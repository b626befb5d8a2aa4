#include "service/sql/postgres_target.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace gateway {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;
using OptionMap = std::map<std::string, std::string>;

constexpr int kMaxPort = 65535;

absl::Status Unreadable(const char* reason) {
  return absl::InvalidArgumentError(absl::StrCat("the PostgreSQL URL ", reason,
                                                 "; write special characters of its parts as %XX"));
}

// Those that have a value.
OptionMap Values(const Options& options) {
  OptionMap values;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) values[option->keyword] = option->val;
  }
  return values;
}

bool IsNumericAddress(const std::string& text) {
  in6_addr address;
  return inet_pton(AF_INET, text.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

bool IsSocketFolder(const std::string& name) {
  return name.empty() || name.front() == '/' || name.front() == '@';
}

// A wrongly escaped URL puts pieces of the password into host and port, which libpq's own messages
// would then show.
bool IsPlainHost(const std::string& name) {
  return IsSocketFolder(name) || std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_' || c == ':' ||
                  c == '%';
         });
}

bool IsPort(const std::string& port) {
  int number = 0;
  return port.empty() || (absl::SimpleAtoi(port, &number) && number > 0 && number <= kMaxPort);
}

std::vector<std::string> Split(const OptionMap& values, const std::string& keyword) {
  const auto value = values.find(keyword);
  if (value == values.end() || value->second.empty()) return {};
  return absl::StrSplit(value->second, ',');
}

// The same pairing as libpq's: as many addresses as names if both are given, one port or one each.
absl::StatusOr<std::vector<PostgresHost>> Hosts(const OptionMap& values) {
  const std::vector<std::string> names = Split(values, "host");
  const std::vector<std::string> addresses = Split(values, "hostaddr");
  const std::vector<std::string> ports = Split(values, "port");
  if (!names.empty() && !addresses.empty() && names.size() != addresses.size()) {
    return Unreadable("has other numbers of host and hostaddr");
  }
  const size_t count = std::max({names.size(), addresses.size(), size_t{1}});
  if (ports.size() > 1 && ports.size() != count) return Unreadable("has other numbers of ports");
  std::vector<PostgresHost> hosts(count);
  for (size_t i = 0; i < count; ++i) {
    if (!names.empty()) hosts[i].name = names[i];
    if (!addresses.empty()) hosts[i].address = addresses[i];
    if (!ports.empty()) hosts[i].port = ports.size() == 1 ? ports.front() : ports[i];
    if (!IsPlainHost(hosts[i].name)) return Unreadable("has a host that is no host's name");
    if (!IsPort(hosts[i].port)) return Unreadable("has a port that is none");
    if (!hosts[i].address.empty() && !IsNumericAddress(hosts[i].address)) {
      return Unreadable("has a hostaddr that is no address");
    }
    if (hosts[i].address.empty() && IsNumericAddress(hosts[i].name)) {
      hosts[i].address = hosts[i].name;
    }
  }
  return hosts;
}

bool IsLoopback(const std::string& text) {
  in_addr address = {};
  if (inet_pton(AF_INET, text.c_str(), &address) == 1) return ntohl(address.s_addr) >> 24 == 127;
  in6_addr address6 = {};
  return inet_pton(AF_INET6, text.c_str(), &address6) == 1 && IN6_IS_ADDR_LOOPBACK(&address6);
}

bool IsUnixSocket(const PostgresHost& host) {
  return host.address.empty() && IsSocketFolder(host.name);
}

bool IsOnThisMachine(const PostgresHost& host) {
  if (IsUnixSocket(host)) return true;
  const bool is_name_local = host.name.empty() || host.name == "localhost" || IsLoopback(host.name);
  return is_name_local && (host.address.empty() || IsLoopback(host.address));
}

// Sees to it that nobody on the way gets the password. `sslmode` is the one that will count.
absl::Status SecureTransport(const std::vector<PostgresHost>& hosts, const std::string& sslmode,
                             InsecureStore insecure, OptionMap& values) {
  if (sslmode != "verify-full") {
    if (insecure == InsecureStore::kAllowed ||
        std::all_of(hosts.begin(), hosts.end(), IsOnThisMachine)) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        "the PostgreSQL URL names a server beyond this machine without sslmode=verify-full: "
        "whoever "
        "is on the way could get the password; add it (and sslrootcert=FILE), or set "
        "allow_insecure_store");
  }
  for (const PostgresHost& host : hosts) {
    if (host.name.empty() && !host.address.empty()) {
      return absl::InvalidArgumentError(
          "the PostgreSQL URL has sslmode=verify-full and a hostaddr without a host: there is no "
          "name to check the certificate against");
    }
  }
  if (values.count("sslcert") == 0 && std::none_of(hosts.begin(), hosts.end(), IsUnixSocket)) {
    values.emplace("channel_binding", "require");
  }
  return absl::OkStatus();
}

}  // namespace

bool PostgresHost::NeedsLookup() const { return address.empty() && !IsSocketFolder(name); }

absl::StatusOr<PostgresTarget> ParsePostgresUrl(const std::string& url, InsecureStore insecure) {
  if (!absl::StartsWith(url, "postgresql://") && !absl::StartsWith(url, "postgres://")) {
    return Unreadable("does not start with postgresql://");
  }
  char* error = nullptr;
  const Options parsed(PQconninfoParse(url.c_str(), &error));
  if (parsed == nullptr) {
    PQfreemem(error);
    return Unreadable("cannot be read");
  }
  OptionMap values = Values(parsed);
  const Options defaults(PQconndefaults());
  if (defaults == nullptr) return absl::ResourceExhaustedError("read libpq's defaults: no memory");
  OptionMap default_values = Values(defaults);
  if (values.count("service") != 0 || default_values.count("service") != 0) {
    return absl::InvalidArgumentError(
        "a PostgreSQL service file is not supported: give its values "
        "in the URL");
  }
  for (const char* const keyword : {"host", "hostaddr", "port"}) {
    if (values.count(keyword) == 0 && default_values.count(keyword) != 0) {
      values[keyword] = default_values[keyword];
    }
  }
  auto hosts = Hosts(values);
  if (!hosts.ok()) return hosts.status();
  const std::string sslmode =
      values.count("sslmode") != 0 ? values["sslmode"] : default_values["sslmode"];
  if (auto status = SecureTransport(*hosts, sslmode, insecure, values); !status.ok()) {
    return status;
  }
  PostgresTarget target{.hosts = *std::move(hosts)};
  for (const char* const keyword : {"host", "hostaddr", "port"}) values.erase(keyword);
  // A standby would take the connection and refuse every change.
  values["target_session_attrs"] = "read-write";
  values["client_encoding"] = "UTF8";
  values.emplace("fallback_application_name", "passfort-gateway");
  // libpq would ask a Kerberos server, and wait for it, before the first byte to PostgreSQL.
  if (default_values.count("gssencmode") == 0 || default_values["gssencmode"] == "prefer") {
    values.emplace("gssencmode", "disable");
  }
  // An address that a firewall has forgotten is noticed while the connection is idle.
  values.emplace("keepalives_idle", "30");
  target.settings.assign(values.begin(), values.end());
  return target;
}

std::vector<PostgresHost> LookUpPostgresHosts(const std::vector<PostgresHost>& hosts) {
  std::vector<PostgresHost> found;
  for (const PostgresHost& host : hosts) {
    if (!host.NeedsLookup()) {
      found.push_back(host);
      continue;
    }
    addrinfo hints = {};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* addresses = nullptr;
    if (getaddrinfo(host.name.c_str(), nullptr, &hints, &addresses) != 0) continue;
    for (const addrinfo* entry = addresses; entry != nullptr; entry = entry->ai_next) {
      char text[NI_MAXHOST];
      if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof(text), nullptr, 0,
                      NI_NUMERICHOST) != 0) {
        continue;
      }
      found.push_back({.name = host.name, .address = text, .port = host.port});
    }
    freeaddrinfo(addresses);
  }
  return found;
}

}  // namespace gateway
