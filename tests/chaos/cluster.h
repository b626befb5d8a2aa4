#ifndef TESTS_CHAOS_CLUSTER_H_
#define TESTS_CHAOS_CLUSTER_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"
#include "tests/support/sanitizer.h"

namespace gateway {

// The times of at most once, so short that a test sees all of them end, and longer than anything
// takes that they wait for.
inline constexpr std::chrono::milliseconds kLease{500 * kSlowness};
inline constexpr std::chrono::milliseconds kAttempt{700 * kSlowness};
inline constexpr std::chrono::milliseconds kSettle{500 * kSlowness};

// What one caller wants to be done once: one application, on a profile that nobody else uses, so
// that Passfort's count for the profile is the count for the request_id.
struct Intent {
  std::string request_id;
  std::string profile_id;
};

// Unlike all before.
Intent FreshIntent();
pb::AddProductApplicationRequest RequestOf(const Intent& intent);

// Our word that nothing was executed under the request_id up to now.
bool SaysNotDone(const Answered& answered);
// Passfort answered an earlier call, and this is its response.
bool IsReplay(const Answered& answered);
// The application was found, its response was lost.
bool IsReconciled(const Answered& answered);
// The application could not be read again in time: the answer has what the store kept of it.
bool IsShortened(const Answered& answered);
// No gateway said anything: the connection broke, or there was none.
bool IsBroken(const Answered& answered);

// Calls again and again until the response is OK, through one gateway after another; the last
// answer if that takes longer than `kCallBound`.
Answered AddUntilDone(const std::vector<const GatewayCaller*>& gateways, const Intent& intent);

// Gateways that share one store. All of them are there from the start; one that is killed leaves
// its place to the next.
class GatewayCluster {
 public:
  struct Settings {
    std::string api_url;
    std::string store;
    std::vector<std::string> flags = {};
    size_t gateways = 2;
    std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
    // Of the first, second, ... process of each place; later ones have none.
    std::vector<std::string> failpoints = {};
  };

  explicit GatewayCluster(Settings settings);

  size_t size() const { return places_.size(); }
  // Any thread. The connection to whoever has or had the place; it stays usable for who holds it.
  std::shared_ptr<const GatewayCaller> Caller(size_t place) const;
  const GatewayProcess& gateway(size_t place) const { return *places_[place].process; }

  // kill -9, and its successor serves when this returns.
  void KillAndReplace(size_t place);
  // Waits until it has died of its failpoint; likewise. One thread for each place.
  void ReplaceDead(size_t place);

 private:
  struct Place {
    std::unique_ptr<GatewayProcess> process;
    size_t lives = 0;
    std::shared_ptr<const GatewayCaller> caller;  // guarded by mutex_
  };

  void Start(Place& place);

  const Settings settings_;
  mutable std::mutex mutex_;
  std::vector<Place> places_;
};

// The settings of a gateway with a store and the windows above, unless `flags` say other ones.
GatewayProcess::Settings WithStore(const std::string& api_url, const std::string& store,
                                   const std::vector<std::string>& flags = {});
// The same, with a failpoint like "intent:stop" or "finished:kill".
GatewayProcess::Settings WithFailpoint(GatewayProcess::Settings settings, const std::string& hook);

}  // namespace gateway

#endif  // TESTS_CHAOS_CLUSTER_H_
