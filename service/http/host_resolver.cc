#include "service/http/host_resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gateway {

// Where a lookup's thread leaves its response, if there is still somebody to take it.
struct HostResolver::Mailbox {
  std::mutex mutex;
  HostResolver* owner = nullptr;  // guarded by mutex; null once the resolver is gone
};

absl::StatusOr<std::vector<std::string>> SystemLookup(const std::string& host) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* first = nullptr;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &first); error != 0) {
    const std::string message = absl::StrCat("look up a host name: ", gai_strerror(error));
    const bool is_unknown = error == EAI_NONAME || error == EAI_NODATA;
    return is_unknown ? absl::NotFoundError(message) : absl::UnavailableError(message);
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(first, &freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* info = first; info != nullptr; info = info->ai_next) {
    const void* address = nullptr;
    if (info->ai_family == AF_INET) {
      address = &reinterpret_cast<const sockaddr_in*>(info->ai_addr)->sin_addr;
    } else if (info->ai_family == AF_INET6) {
      address = &reinterpret_cast<const sockaddr_in6*>(info->ai_addr)->sin6_addr;
    } else {
      continue;
    }
    char text[INET6_ADDRSTRLEN];
    if (inet_ntop(info->ai_family, address, text, sizeof text) == nullptr) continue;
    if (std::ranges::find(addresses, text) == addresses.end()) addresses.emplace_back(text);
  }
  return addresses;
}

HostResolver::HostResolver(EventLoop& loop, LookUp look_up)
    : loop_(loop), look_up_(std::move(look_up)), mailbox_(std::make_shared<Mailbox>()) {
  mailbox_->owner = this;
}

HostResolver::~HostResolver() {
  const std::lock_guard lock(mailbox_->mutex);
  mailbox_->owner = nullptr;
}

HostAddresses HostResolver::Known(const std::string& host, SteadyTime now) {
  const auto found = hosts_.find(host);
  if (found == hosts_.end() || found->second.addresses == nullptr) return nullptr;
  const auto age = now - found->second.found_at;
  if (age >= kTtl) return nullptr;
  HostAddresses addresses = found->second.addresses;
  if (age >= kRefreshAge) StartLookup(host);
  return addresses;
}

Task<absl::StatusOr<HostAddresses>> HostResolver::Find(std::string host, Deadline deadline,
                                                       std::stop_token stop) {
  if (HostAddresses known = Known(host, std::chrono::steady_clock::now())) co_return known;

  StartLookup(host);
  Host& entry = hosts_[host];
  const std::shared_ptr<Lookup> lookup = entry.lookup;
  if (lookup == nullptr) {
    co_return absl::UnavailableError("look up a host name: no thread for it");
  }
  OneShot<absl::Status> arrival;
  const auto place = lookup->waiters.insert(lookup->waiters.end(), &arrival);
  absl::Status end = absl::OkStatus();
  bool left_early = false;
  {
    const auto leave = [&](absl::Status why) {
      left_early = true;
      arrival.Set(std::move(why));
    };
    Timer timer(loop_, [&] { leave(absl::DeadlineExceededError("look up a host name")); });
    timer.StartAt(deadline.at());
    const std::stop_callback on_stop(stop,
                                     [&] { leave(absl::CancelledError("look up a host name")); });
    end = co_await arrival;
  }
  if (left_early) lookup->waiters.erase(place);
  if (!end.ok()) co_return end;
  co_return entry.addresses;
}

void HostResolver::StartLookup(const std::string& host) {
  Host& entry = hosts_[host];
  if (entry.lookup != nullptr) return;
  const auto look_up = [host, look_up = look_up_, mailbox = mailbox_, &loop = loop_] {
    pthread_setname_np(pthread_self(), "host-lookup");
    auto found = look_up(host);
    const std::lock_guard lock(mailbox->mutex);
    // The loop outlives the resolver, so it is there as long as the resolver is.
    if (mailbox->owner == nullptr) return;
    loop.Post([host, found = std::move(found), mailbox]() mutable {
      HostResolver* owner = nullptr;
      {
        const std::lock_guard own_lock(mailbox->mutex);
        owner = mailbox->owner;
      }
      if (owner != nullptr) owner->OnResolved(host, std::move(found));
    });
  };
  try {
    std::thread(look_up).detach();
  } catch (const std::system_error&) {
    return;  // the process may start no more threads; the next caller tries again
  }
  entry.lookup = std::make_shared<Lookup>();
  ++lookups_;
}

void HostResolver::OnResolved(const std::string& host,
                              absl::StatusOr<std::vector<std::string>> found) {
  Host& entry = hosts_[host];
  const std::shared_ptr<Lookup> lookup = std::exchange(entry.lookup, nullptr);
  absl::Status end = found.status();
  if (found.ok() && found->empty()) {
    end = absl::NotFoundError("look up a host name: it has no address");
  }
  if (end.ok()) {
    entry.found_at = std::chrono::steady_clock::now();
    if (entry.addresses == nullptr || *entry.addresses != *found) {
      entry.addresses = std::make_shared<const std::vector<std::string>>(*std::move(found));
    }
  }
  // A resumed caller may stop another one, which then leaves the list by itself. One that asks
  // again waits for the next lookup.
  while (!lookup->waiters.empty()) {
    OneShot<absl::Status>* const waiter = lookup->waiters.front();
    lookup->waiters.pop_front();
    waiter->Set(end);
  }
}

}  // namespace gateway
