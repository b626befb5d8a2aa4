#include "service/rpc/connections/listen_sockets.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

struct Address {
  sockaddr_storage storage = {};
  socklen_t length = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  in_port_t* port() {
    return storage.ss_family == AF_INET6 ? &reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port
                                         : &reinterpret_cast<sockaddr_in*>(&storage)->sin_port;
  }
};

absl::Status Failed(std::string_view what) {
  const int error = errno;
  const std::string message = absl::StrCat(std::string(what), ": ", std::strerror(error));
  // A name may stand for addresses that this machine does not have, or not any more.
  const bool is_absent = error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
  return is_absent ? absl::NotFoundError(message) : absl::UnavailableError(message);
}

absl::Status SwitchOn(int descriptor, int level, int option) {
  const int on = 1;
  if (setsockopt(descriptor, level, option, &on, sizeof(on)) != 0) return Failed("set up a socket");
  return absl::OkStatus();
}

// The descriptor of a socket that listens there.
absl::StatusOr<int> ListenOn(Address& address) {
  const int family = address.storage.ss_family;
  const int descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return Failed("open a socket");
  absl::Status status = absl::OkStatus();
  if (family == AF_INET6) {  // [::] takes callers of IPv4 too
    const int off = 0;
    setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  if (family != AF_UNIX) {
    status = SwitchOn(descriptor, SOL_SOCKET, SO_REUSEADDR);
    // Accepted sockets inherit it.
    if (status.ok()) status = SwitchOn(descriptor, IPPROTO_TCP, TCP_NODELAY);
  }
  if (status.ok() && bind(descriptor, address.get(), address.length) != 0) status = Failed("bind");
  if (status.ok() && listen(descriptor, SOMAXCONN) != 0) status = Failed("listen");
  if (status.ok()) return descriptor;
  close(descriptor);
  return status;
}

absl::StatusOr<std::vector<Address>> Resolve(const std::string& host, const std::string& port) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
  if (error != 0) return absl::UnavailableError(gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, freeaddrinfo);
  std::vector<Address> addresses;
  for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
    Address& address = addresses.emplace_back();
    address.length = info->ai_addrlen;
    std::memcpy(&address.storage, info->ai_addr, info->ai_addrlen);
  }
  return addresses;
}

int PortOf(int descriptor) {
  Address bound;
  bound.length = sizeof(bound.storage);
  getsockname(descriptor, bound.get(), &bound.length);
  return ntohs(*bound.port());
}

// Left behind by a process that was killed; any other file stays, and `bind` fails.
void RemoveSocket(const std::string& path) {
  struct stat file = {};
  if (lstat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode)) unlink(path.c_str());
}

}  // namespace

absl::StatusOr<ListenSockets> ListenSockets::Open(const std::string& listen) {
  ListenSockets sockets;
  const bool is_path = listen.starts_with(kUnixPrefix);
  const absl::Status status =
      is_path ? sockets.OpenPath(listen.substr(kUnixPrefix.size())) : sockets.OpenPorts(listen);
  if (status.ok()) return sockets;
  return absl::Status(status.code(), absl::StrCat("listen on ", listen, ": ", status.message()));
}

absl::Status ListenSockets::OpenPath(const std::string& path) {
  Address address;
  auto* name = reinterpret_cast<sockaddr_un*>(&address.storage);
  if (path.size() >= sizeof(name->sun_path)) return absl::OutOfRangeError("the path is too long");
  name->sun_family = AF_UNIX;
  path.copy(static_cast<char*>(name->sun_path), path.size());
  address.length = sizeof(*name);
  RemoveSocket(path);
  const auto descriptor = ListenOn(address);
  if (!descriptor.ok()) return descriptor.status();
  descriptors_.push_back(*descriptor);
  path_ = path;
  return absl::OkStatus();
}

absl::Status ListenSockets::OpenPorts(const std::string& listen) {
  const size_t colon = listen.rfind(':');
  std::string host = listen.substr(0, colon);
  const std::string port = colon == std::string::npos ? "" : listen.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const bool is_any = host == "0.0.0.0" || host == "::";
  auto addresses = Resolve(is_any ? "::" : host, port);
  if (is_any && addresses.ok()) {
    // For a machine without IPv6; with it, the first takes both.
    const auto version_4 = Resolve("0.0.0.0", port);
    if (version_4.ok()) addresses->push_back(version_4->front());
  }
  if (!addresses.ok()) return addresses.status();
  absl::Status absent = absl::NotFoundError("no such address");
  for (Address& address : *addresses) {
    if (is_any && !descriptors_.empty()) break;
    // A free port was taken for the first address.
    if (!descriptors_.empty()) *address.port() = htons(static_cast<uint16_t>(port_));
    const auto descriptor = ListenOn(address);
    if (descriptor.ok()) {
      descriptors_.push_back(*descriptor);
      port_ = PortOf(*descriptor);
    } else if (absl::IsNotFound(descriptor.status())) {
      absent = descriptor.status();
    } else {
      return descriptor.status();
    }
  }
  return descriptors_.empty() ? absent : absl::OkStatus();
}

ListenSockets::~ListenSockets() {
  for (const int descriptor : descriptors_) close(descriptor);
  if (!path_.empty()) RemoveSocket(path_);
}

}  // namespace gateway
