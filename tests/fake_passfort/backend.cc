#include "tests/fake_passfort/backend.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "tests/fake_passfort/answer.h"
#include "tests/fake_passfort/application_json.h"

namespace gateway {
namespace {

using Json = nlohmann::ordered_json;

WallTime Now() { return std::chrono::system_clock::now(); }

std::optional<std::string> HeaderOf(const LoggedRequest& request, std::string_view lower_name) {
  for (const auto& [name, value] : request.headers) {
    if (LowerCase(name) == lower_name) return value;
  }
  return std::nullopt;
}

std::string_view Word(MadeBy made_by) {
  if (made_by == MadeBy::kPortalUser) return "portal_user";
  return made_by == MadeBy::kPolicy ? "policy" : "api";
}

Json CountsJson(const Counts& counts) {
  Json by_endpoint = Json::object();
  for (const auto& [endpoint, requests] : counts.by_endpoint) {
    by_endpoint[std::string(EndpointName(endpoint))] = requests;
  }
  return {{"requests", counts.requests},
          {"posts_begun", counts.posts_begun},
          {"posts_read", counts.posts_read},
          {"created", counts.created},
          {"added_otherwise", counts.added_otherwise},
          {"profiles_created", counts.profiles_created},
          {"by_endpoint", std::move(by_endpoint)}};
}

}  // namespace

Exchange Backend::Begin(LoggedRequest head) {
  const std::lock_guard lock(mutex_);
  Exchange exchange;
  exchange.method = head.method;
  exchange.request.route = FindRoute(head.method, head.target);
  exchange.request.api_key = HeaderOf(head, "apikey");
  exchange.fault = faults_.Take(head.method, exchange.request.route);
  exchange.number = log_.Append(std::move(head));
  const Route& route = exchange.request.route;
  Count(route.profile_id, &Counts::requests);
  ++counts_.by_endpoint[route.endpoint];
  if (!route.profile_id.empty()) {
    ++profile_counts_[LowerCase(route.profile_id)].by_endpoint[route.endpoint];
  }
  if (exchange.method == "POST") Count(route.profile_id, &Counts::posts_begun);
  Changed();
  return exchange;
}

void Backend::BodyCame(Exchange& exchange, std::string body, Body state) {
  const std::lock_guard lock(mutex_);
  if (LoggedRequest* const logged = log_.Find(exchange.number)) {
    logged->body = body.substr(0, kLoggedBodyBytes);
    logged->body_complete = state == Body::kWhole;
  }
  exchange.request.body = std::move(body);
  if (exchange.method == "POST" && state == Body::kWhole) {
    Count(exchange.request.route.profile_id, &Counts::posts_read);
  }
  Changed();
}

GivenAnswer Backend::Apply(const Exchange& exchange) {
  const std::lock_guard lock(mutex_);
  const Route& route = exchange.request.route;
  const Fault& fault = exchange.fault;

  std::optional<GivenAnswer> existing;
  if (fault.answer.existing_application && PassfortState::ProfileExists(route.profile_id)) {
    const auto& applications = state_.Applications(route.profile_id);
    if (!applications.empty()) existing = {200, Text(ApplicationJson(applications.front()))};
  }

  AddStranger(exchange, Fault::Stranger::kBefore);
  GivenAnswer answer = NotExecutedAnswer(fault.answer);
  if (fault.carry_out != Fault::CarryOut::kNever) {
    const ApiRules rules{.api_key = api_key_,
                         .behaviour = BehaviourOf(route.profile_id),
                         .reverted_id = fault.reverted_id};
    ApiEffect effect = CarryOut(state_, exchange.request, rules, Now());
    Made(exchange, effect);
    answer = std::move(effect.answer);
  }
  AddStranger(exchange, Fault::Stranger::kAfter);
  Changed();
  return existing.value_or(std::move(answer));
}

void Backend::Made(const Exchange& exchange, const ApiEffect& effect) {
  const std::string& profile_id = exchange.request.route.profile_id;
  LoggedRequest* const logged = log_.Find(exchange.number);
  if (!effect.made_id.empty()) {
    Count(profile_id, &Counts::created);
    state_.Find(profile_id, effect.made_id)->hidden = exchange.fault.hide;
    if (logged != nullptr) logged->made_id = effect.made_id;
  }
  if (!effect.made_profile_id.empty()) {
    Count(effect.made_profile_id, &Counts::profiles_created);
    for (FakeApplication& application : state_.Applications(effect.made_profile_id)) {
      application.hidden = exchange.fault.hide;
      if (application.made_by == MadeBy::kApi) continue;
      Count(effect.made_profile_id, &Counts::added_otherwise);
    }
    if (logged != nullptr) logged->made_id = effect.made_profile_id;
  }
}

void Backend::AddStranger(const Exchange& exchange, Fault::Stranger moment) {
  const Fault& fault = exchange.fault;
  const Route& route = exchange.request.route;
  if (fault.stranger != moment || route.endpoint != Endpoint::kAdd) return;
  std::optional<Refusal> refusal;
  const ApplicationWish wish = ParseWish(exchange.request.body, refusal);
  if (refusal || !PassfortState::ProfileExists(route.profile_id)) return;
  state_.Add(route.profile_id, *wish.product, wish.associated_role, fault.stranger_is, Now());
  Count(route.profile_id, &Counts::added_otherwise);
}

void Backend::Answered(const Exchange& exchange, int status) {
  const std::lock_guard lock(mutex_);
  if (LoggedRequest* const logged = log_.Find(exchange.number)) logged->answered_status = status;
  Changed();
}

void Backend::Script(Fault fault) {
  const std::lock_guard lock(mutex_);
  faults_.Add(std::move(fault));
}

void Backend::ClearFaults() {
  const std::lock_guard lock(mutex_);
  faults_.Clear();
}

size_t Backend::faults_waiting() const {
  const std::lock_guard lock(mutex_);
  return faults_.waiting();
}

Counts Backend::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

Counts Backend::counts(std::string_view profile_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = profile_counts_.find(LowerCase(profile_id));
  return found == profile_counts_.end() ? Counts() : found->second;
}

std::vector<LoggedRequest> Backend::requests() const {
  const std::lock_guard lock(mutex_);
  return {log_.requests().begin(), log_.requests().end()};
}

std::vector<FakeApplication> Backend::Applications(std::string_view profile_id) const {
  const std::lock_guard lock(mutex_);
  return UpToDate(profile_id);
}

std::vector<FakeProfile> Backend::CreatedProfiles() const {
  const std::lock_guard lock(mutex_);
  std::vector<FakeProfile> profiles;
  for (const auto& [id, profile] : state_.created()) profiles.push_back(profile);
  return profiles;
}

void Backend::Behave(const Behaviour& behaviour, std::string_view profile_id) {
  const std::lock_guard lock(mutex_);
  (profile_id.empty() ? behaviour_ : profile_behaviours_[LowerCase(profile_id)]) = behaviour;
}

Behaviour Backend::behaviour(std::string_view profile_id) const {
  const std::lock_guard lock(mutex_);
  return BehaviourOf(profile_id);
}

void Backend::ClearBehaviour() {
  const std::lock_guard lock(mutex_);
  behaviour_ = Behaviour();
  profile_behaviours_.clear();
}

std::string Backend::AddOtherwise(std::string_view profile_id, const FakeProduct& product,
                                  std::string_view associated_role, MadeBy made_by) {
  const std::lock_guard lock(mutex_);
  const std::string id = state_.Add(profile_id, product, associated_role, made_by, Now()).id;
  Count(profile_id, &Counts::added_otherwise);
  Changed();
  return id;
}

bool Backend::ForceStatus(std::string_view profile_id, std::string_view application_id,
                          std::string_view status) {
  const std::lock_guard lock(mutex_);
  FakeApplication* const application = state_.Find(profile_id, application_id);
  if (application == nullptr) return false;
  PassfortState::ForceStatus(*application, status, Now());
  return true;
}

bool Backend::SetHidden(std::string_view profile_id, std::string_view application_id, bool hidden) {
  const std::lock_guard lock(mutex_);
  FakeApplication* const application = state_.Find(profile_id, application_id);
  if (application == nullptr) return false;
  application->hidden = hidden;
  return true;
}

bool Backend::SetShowsAlias(std::string_view profile_id, std::string_view application_id,
                            bool shows_alias) {
  const std::lock_guard lock(mutex_);
  FakeApplication* const application = state_.Find(profile_id, application_id);
  if (application == nullptr) return false;
  application->shows_alias = shows_alias;
  return true;
}

void Backend::Forget(std::string_view profile_id) {
  const std::lock_guard lock(mutex_);
  state_.Forget(profile_id);
  faults_.ClearOf(profile_id);
  profile_counts_.erase(LowerCase(profile_id));
  profile_behaviours_.erase(LowerCase(profile_id));
  Changed();
}

void Backend::Reset() {
  const std::lock_guard lock(mutex_);
  state_ = PassfortState();
  faults_.Clear();
  log_ = RequestLog();
  counts_ = Counts();
  profile_counts_.clear();
  behaviour_ = Behaviour();
  profile_behaviours_.clear();
  Changed();
}

std::string Backend::StateJson() const {
  const std::lock_guard lock(mutex_);
  Json profiles = Json::object();
  for (const auto& [profile_id, counts] : profile_counts_) {
    profiles[profile_id] = {{"counts", CountsJson(counts)}, {"applications", Json::array()}};
    if (const FakeProfile* const created = state_.FindCreated(profile_id)) {
      profiles[profile_id]["role"] = created->role;
      profiles[profile_id]["collected_data"] = Json::parse(created->collected_data);
    }
    for (const FakeApplication& application : UpToDate(profile_id)) {
      Json json = ApplicationJson(application);
      json["made_by"] = Word(application.made_by);
      profiles[profile_id]["applications"].push_back(std::move(json));
    }
  }
  return Text({{"counts", CountsJson(counts_)},
               {"faults_waiting", faults_.waiting()},
               {"profiles", std::move(profiles)}});
}

std::string Backend::LogJson() const {
  const std::lock_guard lock(mutex_);
  Json requests = Json::array();
  for (const LoggedRequest& request : log_.requests()) {
    Json headers = Json::array();
    for (const auto& [name, value] : request.headers) {
      headers.push_back({{"name", name}, {"value", value}});
    }
    requests.push_back({{"number", request.number},
                        {"connection", request.connection},
                        {"method", request.method},
                        {"target", request.target},
                        {"headers", std::move(headers)},
                        {"body", request.body},
                        {"body_complete", request.body_complete},
                        {"answered_status", request.answered_status},
                        {"made_id", request.made_id}});
  }
  return Text(requests);
}

bool Backend::WaitUntil(const std::function<bool()>& condition,
                        std::chrono::milliseconds bound) const {
  const auto deadline = std::chrono::steady_clock::now() + bound;
  while (true) {
    uint64_t seen;
    {
      const std::lock_guard lock(mutex_);
      seen = changes_;
    }
    // Outside the lock, because the condition asks this object.
    if (condition()) return true;
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, deadline, [&] { return changes_ != seen; })) {
      lock.unlock();
      return condition();
    }
  }
}

void Backend::Count(std::string_view profile_id, int Counts::* member) {
  ++(counts_.*member);
  if (!profile_id.empty()) ++(profile_counts_[LowerCase(profile_id)].*member);
}

const Behaviour& Backend::BehaviourOf(std::string_view profile_id) const {
  const auto own = profile_behaviours_.find(LowerCase(profile_id));
  return own == profile_behaviours_.end() ? behaviour_ : own->second;
}

std::vector<FakeApplication> Backend::UpToDate(std::string_view profile_id) const {
  const auto found = state_.profiles().find(LowerCase(profile_id));
  if (found == state_.profiles().end()) return {};
  std::vector<FakeApplication> applications = found->second;
  const MovesOn& moves_on = BehaviourOf(profile_id).moves_on;
  if (moves_on.when == MovesOn::When::kEvery) {
    for (auto& application : applications) {
      PassfortState::CatchUp(application, moves_on.every, Now());
    }
  }
  return applications;
}

void Backend::Changed() {
  ++changes_;
  changed_.notify_all();
}

}  // namespace gateway
