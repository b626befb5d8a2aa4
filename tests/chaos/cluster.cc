#include "tests/chaos/cluster.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <random>
#include <utility>

namespace gateway {
namespace {

bool HasTrailer(const Answered& answered, const std::string& name, const std::string& value) {
  const auto [first, last] = answered.trailers.equal_range(name);
  for (auto trailer = first; trailer != last; ++trailer) {
    if (trailer->second == value) return true;
  }
  return false;
}

std::string Flag(const char* name, std::chrono::milliseconds value) {
  return std::string("--") + name + "=" + std::to_string(value.count()) + "ms";
}

}  // namespace

Intent FreshIntent() {
  static std::atomic<uint32_t> last = 0;
  static const uint32_t program = std::random_device{}();
  std::array<char, 64> profile_id;
  std::snprintf(profile_id.data(), profile_id.size(), "b%07x-0000-4000-8000-%04x%08x",
                program & 0xfffffff, program >> 28, ++last);
  return {.request_id = std::string("intent-") + profile_id.data(),
          .profile_id = profile_id.data()};
}

pb::AddProductApplicationRequest RequestOf(const Intent& intent) {
  pb::AddProductApplicationRequest request = ARequest();
  request.set_profile_id(intent.profile_id);
  request.set_request_id(intent.request_id);
  return request;
}

bool SaysNotDone(const Answered& answered) {
  if (answered.status.ok() || answered.status.error_code() == grpc::StatusCode::UNKNOWN) {
    return false;
  }
  const auto info = DetailOf<google::rpc::ErrorInfo>(answered.status);
  const auto scope = info.metadata().find("scope");
  return scope != info.metadata().end() && scope->second == "REQUEST_ID";
}

bool IsReplay(const Answered& answered) {
  return answered.status.ok() && HasTrailer(answered, "gateway-replayed", "true");
}

bool IsReconciled(const Answered& answered) {
  return answered.status.ok() && HasTrailer(answered, "gateway-outcome", "reconciled");
}

bool IsShortened(const Answered& answered) {
  return answered.status.ok() && HasTrailer(answered, "gateway-answer-shortened", "true");
}

bool IsBroken(const Answered& answered) {
  return !answered.status.ok() && ReasonOf(answered.status).empty();
}

Answered AddUntilDone(const std::vector<const GatewayCaller*>& gateways, const Intent& intent) {
  const auto bound = std::chrono::steady_clock::now() + kCallBound;
  for (size_t calls = 0;; ++calls) {
    Answered answered = gateways[calls % gateways.size()]->Add(RequestOf(intent));
    if (answered.status.ok() || std::chrono::steady_clock::now() > bound) return answered;
  }
}

GatewayProcess::Settings WithStore(const std::string& api_url, const std::string& store,
                                   const std::vector<std::string>& flags) {
  std::vector<std::string> all = {"--store=" + store, Flag("lease_duration", kLease),
                                  Flag("attempt_timeout", kAttempt),
                                  Flag("settle_window", kSettle)};
  all.insert(all.end(), flags.begin(), flags.end());
  return {.api_url = api_url, .flags = std::move(all)};
}

GatewayProcess::Settings WithFailpoint(GatewayProcess::Settings settings, const std::string& hook) {
  settings.environment.push_back("GATEWAY_FAILPOINTS=" + hook);
  return settings;
}

GatewayCluster::GatewayCluster(Settings settings)
    : settings_(std::move(settings)), places_(settings_.gateways) {
  for (Place& place : places_) Start(place);
}

std::shared_ptr<const GatewayCaller> GatewayCluster::Caller(size_t place) const {
  const std::lock_guard lock(mutex_);
  return places_[place].caller;
}

void GatewayCluster::KillAndReplace(size_t place) {
  places_[place].process->Signal(SIGKILL);
  places_[place].process->WaitForExit();
  Start(places_[place]);
}

void GatewayCluster::ReplaceDead(size_t place) {
  ASSERT_EQ(places_[place].process->WaitForExit(), -SIGKILL) << "its failpoint was not reached";
  Start(places_[place]);
}

void GatewayCluster::Start(Place& place) {
  auto settings = WithStore(settings_.api_url, settings_.store, settings_.flags);
  if (place.lives < settings_.failpoints.size()) {
    settings = WithFailpoint(std::move(settings), settings_.failpoints[place.lives]);
  }
  ++place.lives;
  place.process = std::make_unique<GatewayProcess>(settings);
  auto caller =
      std::make_shared<const GatewayCaller>(place.process->target(), settings_.credentials);
  const std::lock_guard lock(mutex_);
  place.caller = std::move(caller);
}

}  // namespace gateway
