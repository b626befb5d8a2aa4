#ifndef SERVICE_OPERATIONS_CREATE_PROFILE_H_
#define SERVICE_OPERATIONS_CREATE_PROFILE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "service/idempotency/budget_ledger.h"
#include "service/idempotency/operation.h"
#include "service/idempotency/write_coordinator.h"
#include "service/idempotency/write_result.h"
#include "service/operations/resource_reads.h"
#include "service/passfort/profile_client.h"
#include "service/resilience/retry_loop.h"

namespace gateway {

// Creating a profile. Nothing that Passfort can be asked for shows whether a profile comes from a
// certain request, so a create whose response is lost is never known to have happened, nor not to.
class CreateProfile final : public Operation {
 public:
  // Both outlive the operation.
  CreateProfile(ProfileClient& passfort, ResourceClient& reads)
      : passfort_(passfort), reads_(reads) {}

  std::string_view name() const override { return "CreateProfile"; }
  bool is_observable() const override { return false; }
  Task<ObserveResult> Observe(std::string target, const CallContext& context) override;
  Effect Evaluate(const std::string& target, const std::string& baseline, const Observation& now,
                  const std::vector<std::string>& attributed_ids) const override;
  bool IsInBaseline(const std::string& /*baseline*/,
                    const std::string& /*resource_id*/) const override {
    return false;
  }
  std::string ExtendBaseline(const std::string& baseline, const Observation& /*now*/,
                             const std::vector<std::string>& /*resource_ids*/) const override {
    return baseline;
  }
  // The profile itself: a person knows it by what Passfort's portal shows.
  Task<ObserveResult> ObserveResource(std::string target, std::string resource_id,
                                      const CallContext& context) override;
  std::optional<StoredResult> ResultOf(const Observation& now,
                                       const std::string& resource_id) const override;
  bool MayMeanAlreadyExecuted(const ResponseSummary& /*refusal*/) const override { return false; }

  ProfileClient& passfort() const { return passfort_; }

 private:
  ProfileClient& passfort_;
  ResourceClient& reads_;
};

using CreateProfileResult = WriteResultOf<CreatedProfile>;

// Carries out one caller's intent to create a profile: at most once per request_id, or, without
// one, by as many attempts as it takes until one may have been executed. Loop thread only.
class ProfileWriter {
 public:
  // All outlive the writer.
  struct Dependencies {
    CreateProfile& operation;
    // Both null: there is no store, so no call may have a request_id, and none a budget.
    WriteCoordinator* coordinator;
    BudgetLedger* ledger;
    ResourceReads& reads;
    RetryDependencies retries;
  };

  explicit ProfileWriter(Dependencies dependencies) : dependencies_(dependencies) {}

  // Returns what the intent came to; of an earlier call's, with the profile as it is now. Returns
  // by the context's deadline, or soon after its stop is requested. `context` outlives the task.
  Task<CreateProfileResult> Create(ProfileDraft draft, RequestKey key,
                                   const CallContext& context [[clang::lifetimebound]]);

 private:
  Task<CreateProfileResult> CreateOnce(ProfileDraft draft, RequestKey key,
                                       const CallContext& context);
  Task<CreateProfileResult> CreateDirectly(std::string body, std::optional<WriteBudget> budget,
                                           const CallContext& context);

  const Dependencies dependencies_;
};

}  // namespace gateway

#endif  // SERVICE_OPERATIONS_CREATE_PROFILE_H_
