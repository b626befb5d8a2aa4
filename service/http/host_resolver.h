#ifndef SERVICE_HTTP_HOST_RESOLVER_H_
#define SERVICE_HTTP_HOST_RESOLVER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/base/deadline.h"
#include "service/base/event_loop.h"
#include "service/base/one_shot.h"
#include "service/base/task.h"

namespace gateway {

// IP addresses as text, the best one first. The same object as before if nothing has changed.
using HostAddresses = std::shared_ptr<const std::vector<std::string>>;

// Asks the system (getaddrinfo). Blocks. NotFound if there is no such host.
absl::StatusOr<std::vector<std::string>> SystemLookup(const std::string& host);

// Looks up host names, one lookup at a time per name however many callers wait for it, and keeps
// what it found. libcurl's own way starts a thread for each transfer that has to wait.
//
// A lookup has a thread of its own and only while it lasts: it blocks for as long as the system
// likes, and neither a caller nor the end of the process waits for that. Loop thread only.
class HostResolver {
 public:
  using LookUp = std::function<absl::StatusOr<std::vector<std::string>>(const std::string& host)>;

  // A response is used for this long.
  static constexpr std::chrono::seconds kTtl{60};
  // From this age on it is renewed in the background, so that nobody waits for the renewal.
  static constexpr std::chrono::seconds kRefreshAge{45};

  // `loop` outlives the resolver; `look_up` runs on other threads.
  HostResolver(EventLoop& loop, LookUp look_up);
  // Nobody waits in Find by then.
  ~HostResolver();
  HostResolver(const HostResolver&) = delete;
  HostResolver& operator=(const HostResolver&) = delete;

  // What is known of `host` at `now` without waiting, or null.
  HostAddresses Known(const std::string& host, SteadyTime now);

  // The addresses of `host`, never an empty list; NotFound if it has none, Unavailable if the
  // lookup fails, DeadlineExceeded or Cancelled if `deadline` or `stop` comes first.
  Task<absl::StatusOr<HostAddresses>> Find(std::string host, Deadline deadline,
                                           std::stop_token stop);

  // Any thread.
  uint64_t lookups() const { return lookups_; }

 private:
  struct Mailbox;

  struct Lookup {
    std::list<OneShot<absl::Status>*> waiters;
  };
  struct Host {
    HostAddresses addresses;
    SteadyTime found_at;
    std::shared_ptr<Lookup> lookup;  // the one in flight; its waiters own it as well
  };

  void StartLookup(const std::string& host);
  void OnResolved(const std::string& host, absl::StatusOr<std::vector<std::string>> found);

  EventLoop& loop_;
  const LookUp look_up_;
  // Shared with the lookups' threads, which may outlive the resolver.
  const std::shared_ptr<Mailbox> mailbox_;
  std::map<std::string, Host> hosts_;
  std::atomic<uint64_t> lookups_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_HOST_RESOLVER_H_
