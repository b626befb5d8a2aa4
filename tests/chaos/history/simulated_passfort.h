#ifndef TESTS_CHAOS_HISTORY_SIMULATED_PASSFORT_H_
#define TESTS_CHAOS_HISTORY_SIMULATED_PASSFORT_H_

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "service/passfort/product_application_client.h"
#include "tests/chaos/history/simulated_process.h"
#include "tests/chaos/history/virtual_world.h"
#include "tests/chaos/history/wish.h"

namespace gateway::history {

// How Passfort and the way to it behave in one history. All are probabilities per request, but the
// last ones.
struct PassfortWeather {
  double unreachable = 0;
  double slow_connect = 0;  // the body is let out late, perhaps after the send gate closed
  double drop_before = 0;   // the connection is lost, and nothing was made
  double drop_after = 0;    // it was made, and the connection is lost
  double late = 0;          // the attempt ends without a response, and it is made after that
  double hang = 0;          // it is made at some time while the attempt waits in vain
  double slow = 0;          // it is made and answered at some time while the attempt waits
  double impatient = 0;     // meanwhile, somebody adds an equal one by hand
  double error_before = 0;
  double error_after = 0;
  double error_late = 0;  // 5xx, and it is made after that
  double rate_limited = 0;
  double refused = 0;
  double existing = 0;  // answers 2xx with an equal application that is there already
  double list_fails = 0;
  double list_refused = 0;
  double list_slow = 0;
  // Per item of a list or per answer.
  double no_alias = 0;
  double no_product_id = 0;
  double no_role = 0;
  double upper_case = 0;
  double odd_alias = 0;   // the alias in another case, or with blanks around
  double unreadable = 0;  // an item of a list, or the answer to a new profile, this once
  // Per application, for good.
  double hidden = 0;
  double never_readable = 0;
  // A policy adds another application when one is made; per application made.
  double policy_other = 0;
  double policy_equal = 0;

  // What a second POST of an equal application meets.
  enum class Conflict { kNone, kHttp409, kCode202, kCode202WithSuccess };
  Conflict conflict = Conflict::kNone;

  // What Passfort makes of the role that it was sent.
  enum class RoleRule { kAsSent, kDropped, kSwapped };
  RoleRule role_rule = RoleRule::kAsSent;
  // As in 2018: no response and no list shows an alias.
  bool shows_no_alias = false;
};

// What is there at Passfort, and the truth about where it comes from.
struct Made {
  std::string id;
  SteadyTime made_at;
  // The request_id whose POST made it, or empty: a stranger did.
  std::string request_id;
  // Of that POST, in the order of being begun; -1 for a stranger.
  int post = -1;
};

struct MadeProfile : Made {
  Person person;
};

// One application on a profile.
struct MadeApplication : Made {
  std::string profile_id;
  std::string alias;
  std::string product_id;
  std::string role;  // Passfort's name, or empty; what Passfort made of the one that it was sent
  bool hidden = false;
  bool is_never_readable = false;
  bool was_listed_without_alias = false;
};

// One POST, as the truth has it.
struct Post {
  int number = 0;
  std::string request_id;  // empty: a call without one
  int call = -1;           // that began the session, or sends it without one
  Wish wish;
  const SimulatedProcess* process = nullptr;
  // When the body left the process.
  std::optional<SteadyTime> left_at;
  // When the connection was gone, or when nothing that is still on it matters any more.
  std::optional<SteadyTime> gone_at;
  bool has_arrived = false;
  bool is_made = false;
  // Not made yet, but will be, after the connection is gone.
  bool will_be_made = false;
  // What Passfort itself named in a response to it.
  std::string answered_id;
  // What its process learnt of it: that it was done, or that it was definitely not.
  enum class Learnt { kNothing, kDone, kNotDone };
  Learnt learnt = Learnt::kNothing;
  std::optional<SteadyTime> learnt_at;
};

// Passfort's profiles and product applications, with every fault of the menu. It knows which POST
// made what, which no real server could say.
class SimulatedPassfort {
 public:
  struct Windows {
    // How long a POST is worked on at most.
    Milliseconds attempt_timeout;
    // After the connection is gone, the application may still be made for less than this.
    Milliseconds settle_window;
  };

  SimulatedPassfort(VirtualWorld& world, Windows windows, PassfortWeather weather)
      : world_(world), windows_(windows), weather_(weather) {}

  // The transport of one process (simulated_transport.cc). `session` tells whose POST with a send
  // gate comes next: the truth needs what a draft does not say.
  std::unique_ptr<ApiTransport> Connect(SimulatedProcess& life, const std::string& session);

  // A portal user, or a policy, adds an application.
  void AddByStranger(const ApplicationDraft& draft);
  void GoAway(Milliseconds duration);
  // What comes from now on; what was begun goes on as it was.
  void Change(const PassfortWeather& weather) { weather_ = weather; }
  // From now on there are no faults. What was begun with one goes on.
  void BeCalm();

  const std::deque<MadeApplication>& applications() const { return applications_; }
  const std::deque<MadeProfile>& profiles() const { return profiles_; }
  const std::deque<std::shared_ptr<Post>>& posts() const { return posts_; }

  // Whether an application is what a draft asks for, by the truth.
  bool IsEqual(const ApplicationDraft& draft, const MadeApplication& application) const;
  // Whether a list may have shown it as what a draft asks for: Passfort may have made something
  // else of what it was sent, and without the alias the id that the caller expects is all there is
  // to go by.
  bool LooksLike(const ApplicationDraft& draft, const MadeApplication& application) const;
  // Whether a list of the profile was ever given that could not be read to its end.
  bool WasListUnreadable(const std::string& profile_id) const {
    return unreadable_lists_.contains(profile_id);
  }
  // Whose lists were asked for.
  const std::set<std::string>& listed_profiles() const { return listed_profiles_; }
  // Whether lists show less of an application than was sent, for good.
  bool HidesWhatWasSent() const {
    return weather_.shows_no_alias || weather_.role_rule != PassfortWeather::RoleRule::kAsSent;
  }

 private:
  class Transport;
  enum class Ending {
    kMade,
    kDropBefore,
    kDropAfter,
    kLate,
    kHang,
    kSlow,
    kErrorBefore,
    kErrorAfter,
    kErrorLate,
    kRateLimited,
    kRefused,
    kExisting,
  };
  using Answer = std::function<void(Milliseconds, ApiOutcome)>;

  Ending FateOfNext();
  Milliseconds WayThere() { return world_.chance().Between(Milliseconds(0), Milliseconds(15)); }
  bool IsAway() const { return world_.now() < away_until_; }
  void OnLeft(std::shared_ptr<Post> post, Answer answer);
  void OnGone(const std::shared_ptr<Post>& post);
  void Arrive(const std::shared_ptr<Post>& post, const Answer& answer);
  void CarryOut(const std::shared_ptr<Post>& post, Ending fate, const Answer& answer);
  // Makes it unless that would be later than Passfort ever does. Null if so.
  const Made* Make(Post& post);
  void MakeLater(const std::shared_ptr<Post>& post);
  void MakeAndAnswer(Post& post, Milliseconds back, const Answer& answer);
  const MadeApplication& Add(const ApplicationDraft& draft, const Post* post);
  const MadeProfile& AddProfile(const Person& person, const Post& post);
  const MadeApplication* FindEqual(const ApplicationDraft& draft) const;
  bool WillBeThere(const ApplicationDraft& draft) const;
  std::string RoleMadeOf(const ApplicationDraft& draft) const;
  Done AnswerWith(const MadeApplication& application);
  ApiOutcome AnswerList(const std::string& profile_id);
  ApiOutcome AnswerGet(const std::string& id);
  // A profile or an application, as an answer has it.
  std::optional<ApiResponse> Show(const std::string& id);
  ApplicationList List(const std::string& profile_id);

  VirtualWorld& world_;
  const Windows windows_;
  PassfortWeather weather_;
  SteadyTime away_until_ = SteadyTime::min();
  // Deques: their elements stay where they are.
  std::deque<MadeApplication> applications_;
  std::deque<MadeProfile> profiles_;
  std::deque<std::shared_ptr<Post>> posts_;
  std::set<std::string> unreadable_lists_;
  std::set<std::string> listed_profiles_;
};

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_SIMULATED_PASSFORT_H_
