#ifndef TESTS_FAKE_PASSFORT_PASSFORT_STATE_H_
#define TESTS_FAKE_PASSFORT_PASSFORT_STATE_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gateway {

using WallTime = std::chrono::system_clock::time_point;

struct FakeProduct {
  std::string_view id;
  std::string_view alias;
  std::string_view name;
  std::string_view task_type;
  bool automatically_apply = false;
  bool automatically_approve = false;
};

// What an account may apply for: `forexo_basic` (the guide's), `forexo_associate` (approves by
// itself), `forexo_business`, and `forexo_starter`, for which new profiles apply by themselves.
std::span<const FakeProduct> FakeCatalogue();

// Nullptr if there is none. The alias wins if both are given; ids are compared without case.
const FakeProduct* FindFakeProduct(std::string_view alias, std::string_view id);

enum class MadeBy { kApi, kPortalUser, kPolicy };

struct FakeApplication {
  struct StatusChange {
    std::string status;
    std::string comment;
    WallTime date;
  };
  struct FlagChange {
    std::string status;
    std::string flag;
    WallTime date;
  };

  std::string id;
  const FakeProduct* product = nullptr;  // in the catalogue
  std::string associated_role;           // empty: none
  std::string status;
  std::string flag;
  bool hidden = false;
  bool shows_alias = true;  // the product's, wherever the application is shown
  MadeBy made_by = MadeBy::kApi;
  std::vector<StatusChange> history;
  std::vector<FlagChange> flag_history;
};

// A profile that POST /profiles created.
struct FakeProfile {
  std::string id;
  std::string role;
  std::string collected_data;  // JSON, as it was sent
  WallTime creation_date;
};

// Why a request is refused: an HTTP status and one of the API's own error codes.
struct Refusal {
  int status = 0;
  // 0: the error object has none. The codes that go with most statuses are not documented.
  int code = 0;
  std::string message;
};

// Profiles and their applications, and how these change. No I/O, no clock, not thread-safe.
//
// Every well-formed profile id exists, with no application at first, unless it starts with
// 00000000; nobody has to create it. Profile and application ids are compared without case.
class PassfortState {
 public:
  static bool ProfileExists(std::string_view profile_id);

  // Creates another profile, with no application, also if there is one with the same data.
  FakeProfile& CreateProfile(std::string_view role, std::string_view collected_data, WallTime now);
  // Nullptr if the profile is one that nobody created.
  const FakeProfile* FindCreated(std::string_view profile_id) const;
  const std::map<std::string, FakeProfile>& created() const { return created_; }

  // In the order they were made. Empty for a profile that nothing happened to.
  std::vector<FakeApplication>& Applications(std::string_view profile_id);
  // Nullptr if the profile has no such application.
  FakeApplication* Find(std::string_view profile_id, std::string_view application_id);
  void Forget(std::string_view profile_id);
  const std::map<std::string, std::vector<FakeApplication>>& profiles() const { return profiles_; }

  // Another number each time.
  uint64_t NextRestlessValue() { return ++restless_value_; }

  // Makes another application, also if there is one for the same product. The reference holds until
  // the profile gets its next one.
  FakeApplication& Add(std::string_view profile_id, const FakeProduct& product,
                       std::string_view associated_role, MadeBy made_by, WallTime now);

  // One step further by itself: checks run, a task waits for a person, all is ready for a decision;
  // a product that approves by itself is decided after its checks. What is decided stays.
  static void MoveOn(FakeApplication& application, WallTime now);

  // The steps that `every` has brought since the flag changed last, dated as they came.
  static void CatchUp(FakeApplication& application, std::chrono::milliseconds every, WallTime now);

  // Changes the status as the transitions of API 4.0 allow it, and only without blockers.
  static std::optional<Refusal> Decide(FakeApplication& application, std::string_view status,
                                       std::string_view comment, WallTime now);
  // Sets the status without asking: the policy or a portal user decided.
  static void ForceStatus(FakeApplication& application, std::string_view status, WallTime now);

  enum class RevertedId { kSame, kNew };
  // Takes back a rejection or cancellation. With kNew the old application is hidden and another one
  // carries its history on. `reverted` is what came of it, unless the answer is a refusal.
  std::optional<Refusal> Revert(std::string_view profile_id, std::string_view application_id,
                                RevertedId reverted_id, WallTime now, FakeApplication& reverted);

 private:
  std::string NewId();

  std::map<std::string, FakeProfile> created_;  // keys of both in lower case
  std::map<std::string, std::vector<FakeApplication>> profiles_;
  uint64_t restless_value_ = 0;
  std::mt19937_64 random_{std::random_device{}()};
};

std::string LowerCase(std::string_view text);
// 8-4-4-4-12 hex digits, either case, any version bits.
bool LooksLikeUuid(std::string_view text);

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_PASSFORT_STATE_H_
