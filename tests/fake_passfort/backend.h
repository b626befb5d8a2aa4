#ifndef TESTS_FAKE_PASSFORT_BACKEND_H_
#define TESTS_FAKE_PASSFORT_BACKEND_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fake_passfort/behaviour.h"
#include "tests/fake_passfort/fault.h"
#include "tests/fake_passfort/passfort_api.h"
#include "tests/fake_passfort/passfort_state.h"
#include "tests/fake_passfort/request_log.h"

namespace gateway {

// What was seen and done; counted, never guessed. For everything or for one profile.
struct Counts {
  int requests = 0;          // under /4.0, their headers complete
  int posts_begun = 0;       // POSTs of them
  int posts_read = 0;        // POSTs whose body came whole too
  int created = 0;           // applications made by POST .../applications, late ones included
  int added_otherwise = 0;   // by a portal user or the policy
  int profiles_created = 0;  // by POST /profiles, late ones included
  std::map<Endpoint, int> by_endpoint = {};  // `requests` of each; those without any are not there

  // POSTs received there, or readings.
  int requests_to(Endpoint endpoint) const {
    const auto found = by_endpoint.find(endpoint);
    return found == by_endpoint.end() ? 0 : found->second;
  }
};

// One request on its way.
struct Exchange {
  uint64_t number = 0;  // in the log
  std::string method;
  ReceivedRequest request;
  Fault fault;
};

// State, faults, counts and log under one lock: the server's thread and a test may use it at once.
class Backend {
 public:
  explicit Backend(std::string api_key) : api_key_(std::move(api_key)) {}

  // The server's part, in the order of an exchange.
  Exchange Begin(LoggedRequest head);
  enum class Body { kWhole, kBroken };
  void BodyCame(Exchange& exchange, std::string body, Body state);
  // Everything that the request brings about, at the moment it does. With Fault::CarryOut::kNever
  // that is at most what a stranger does.
  GivenAnswer Apply(const Exchange& exchange);
  void Answered(const Exchange& exchange, int status);

  // The test's part.
  void Script(Fault fault);
  void ClearFaults();
  size_t faults_waiting() const;
  Counts counts() const;
  Counts counts(std::string_view profile_id) const;
  std::vector<LoggedRequest> requests() const;
  std::vector<FakeApplication> Applications(std::string_view profile_id) const;
  std::vector<FakeProfile> CreatedProfiles() const;
  // For all profiles that have no behaviour of their own, or for one that has it from now on.
  void Behave(const Behaviour& behaviour, std::string_view profile_id = "");
  Behaviour behaviour(std::string_view profile_id = "") const;
  void ClearBehaviour();
  std::string AddOtherwise(std::string_view profile_id, const FakeProduct& product,
                           std::string_view associated_role, MadeBy made_by);
  // False if the profile has no such application.
  [[nodiscard]] bool ForceStatus(std::string_view profile_id, std::string_view application_id,
                                 std::string_view status);
  [[nodiscard]] bool SetHidden(std::string_view profile_id, std::string_view application_id,
                               bool hidden);
  [[nodiscard]] bool SetShowsAlias(std::string_view profile_id, std::string_view application_id,
                                   bool shows_alias);
  // What is of one profile: its data and applications, its counts, its behaviour and the faults
  // that wait for it. The counts for everything stay.
  void Forget(std::string_view profile_id);
  // Forgets profiles, applications, faults, behaviour, counts and log.
  void Reset();

  // For the control endpoint.
  std::string StateJson() const;
  std::string LogJson() const;

  // Waits until `condition` holds; it is looked at whenever anything happened here.
  [[nodiscard]] bool WaitUntil(const std::function<bool()>& condition,
                               std::chrono::milliseconds bound) const;

 private:
  // Of the profile, if there is one, and of all together.
  void Count(std::string_view profile_id, int Counts::* member);
  void Made(const Exchange& exchange, const ApiEffect& effect);
  const Behaviour& BehaviourOf(std::string_view profile_id) const;
  // As they are by now.
  std::vector<FakeApplication> UpToDate(std::string_view profile_id) const;
  void AddStranger(const Exchange& exchange, Fault::Stranger moment);
  void Changed();

  const std::string api_key_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  // Guarded by mutex_.
  PassfortState state_;
  FaultQueue faults_;
  RequestLog log_;
  Counts counts_;
  std::map<std::string, Counts> profile_counts_;  // keys in lower case, as below
  Behaviour behaviour_;
  std::map<std::string, Behaviour> profile_behaviours_;
  uint64_t changes_ = 0;
};

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_BACKEND_H_
