#ifndef TESTS_FAKE_PASSFORT_FAKE_PASSFORT_H_
#define TESTS_FAKE_PASSFORT_FAKE_PASSFORT_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/fake_passfort/backend.h"
#include "tests/fake_passfort/fault.h"
#include "tests/fake_passfort/http_server.h"
#include "tests/support/reserved_port.h"

namespace gateway {

// The profiles and product applications of the Passfort API 4.0 over real HTTP on a free loopback
// port, with a thread of its own. It answers by itself; faults change what becomes of single
// requests. Its methods may be called from any thread, but GoAway and ComeBack only while nobody
// calls Release.
//
//   FakePassfort passfort;
//   passfort.Script({.endpoint = Endpoint::kAdd,                 // made, but the answer is lost
//                    .send = Fault::Send::kNothing,
//                    .then = Fault::Then::kReset});
//   ... POST passfort.url() + "/profiles/" + kProfileId + "/applications" ...
//   EXPECT_EQ(passfort.counts(kProfileId).created, 1);
//
// Two POSTs for one product make two applications: that is the danger which the gateway is for.
class FakePassfort {
 public:
  static constexpr std::string_view kApiKey = "test-key";

  // Every answer of the API comes `delay` later. Ends the process if loopback has no free port.
  explicit FakePassfort(std::chrono::milliseconds delay = std::chrono::milliseconds(0));
  // Closes open connections; what was to be made late is not made.
  ~FakePassfort();
  FakePassfort(const FakePassfort&) = delete;
  FakePassfort& operator=(const FakePassfort&) = delete;

  // What `api_url` is set to: "http://127.0.0.1:PORT/4.0".
  std::string url() const;
  uint16_t port() const { return port_.port(); }

  // The fault waits for the requests that it names, after those scripted before it. Ends the
  // process if the fault makes no sense: Fault::Problem says why.
  void Script(Fault fault);
  void ClearFaults() { backend_.ClearFaults(); }
  // Zero: every scripted fault was met.
  size_t faults_waiting() const { return backend_.faults_waiting(); }
  // Lets go the exchanges that are held (Fault::hold), and those that were counted and will be.
  void Release();

  Counts counts() const { return backend_.counts(); }
  Counts counts(std::string_view profile_id) const { return backend_.counts(profile_id); }
  // What was on the wire, oldest first; the last kLoggedRequests.
  std::vector<LoggedRequest> requests() const { return backend_.requests(); }
  // What the profile has, hidden ones too, in the order they were made.
  std::vector<FakeApplication> Applications(std::string_view profile_id) const {
    return backend_.Applications(profile_id);
  }

  // What POST /profiles created, by id.
  std::vector<FakeProfile> CreatedProfiles() const { return backend_.CreatedProfiles(); }

  // For all profiles without a behaviour of their own; what is not named is the default.
  void Behave(const Behaviour& behaviour) { backend_.Behave(behaviour); }
  // For one of them from now on. What happens while it is created is for all.
  void Behave(std::string_view profile_id, const Behaviour& behaviour) {
    backend_.Behave(behaviour, profile_id);
  }

  // Somebody else adds an application; gives its id. `product_alias` is in the catalogue.
  std::string AddOtherwise(std::string_view profile_id, std::string_view product_alias,
                           std::string_view associated_role, MadeBy made_by);
  // The policy or a portal user changes an application; false if there is none.
  [[nodiscard]] bool ForceStatus(std::string_view profile_id, std::string_view application_id,
                                 std::string_view status) {
    return backend_.ForceStatus(profile_id, application_id, status);
  }
  [[nodiscard]] bool SetHidden(std::string_view profile_id, std::string_view application_id,
                               bool hidden) {
    return backend_.SetHidden(profile_id, application_id, hidden);
  }
  // Whether the product's alias is in what the API shows of it.
  [[nodiscard]] bool SetShowsAlias(std::string_view profile_id, std::string_view application_id,
                                   bool shows_alias) {
    return backend_.SetShowsAlias(profile_id, application_id, shows_alias);
  }

  // What is of one profile: its data and applications, its counts, its behaviour and the faults
  // that wait for it. For those who make profiles for hours; what is made there later is there
  // again, and `counts()` has all.
  void Forget(std::string_view profile_id) { backend_.Forget(profile_id); }

  // True as soon as `condition` holds, false if it does not within `bound`. It is asked after every
  // change here, so it should ask this object.
  [[nodiscard]] bool WaitUntil(const std::function<bool()>& condition,
                               std::chrono::milliseconds bound = std::chrono::seconds(20)) const {
    return backend_.WaitUntil(condition, bound);
  }

  // Closes all connections and refuses new ones, until ComeBack takes the same port again.
  // Applications, counts, log and faults stay; what was to be made late is lost.
  void GoAway();
  void ComeBack();

 private:
  void Start();

  Backend backend_;
  const std::chrono::milliseconds delay_;
  const ReservedPort port_;             // while away too
  std::unique_ptr<HttpServer> server_;  // null while away
  std::thread thread_;
};

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_FAKE_PASSFORT_H_
