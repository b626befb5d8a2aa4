#ifndef SERVICE_OPERATIONS_ADD_PRODUCT_APPLICATION_H_
#define SERVICE_OPERATIONS_ADD_PRODUCT_APPLICATION_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "service/idempotency/operation.h"
#include "service/idempotency/write_coordinator.h"
#include "service/operations/application_writer.h"
#include "service/operations/resource_reads.h"
#include "service/passfort/product_application_client.h"

namespace gateway {

// Adding an application to a profile: what the write changes is the profile's list of applications.
class AddProductApplication final : public Operation {
 public:
  // `passfort` outlives the operation.
  explicit AddProductApplication(ProductApplicationClient& passfort) : passfort_(passfort) {}

  std::string_view name() const override { return "AddProductApplication"; }
  Task<ObserveResult> Observe(std::string target, const CallContext& context) override;
  Effect Evaluate(const std::string& target, const std::string& baseline, const Observation& now,
                  const std::vector<std::string>& attributed_ids) const override;
  bool IsInBaseline(const std::string& baseline, const std::string& resource_id) const override;
  std::string ExtendBaseline(const std::string& baseline, const Observation& now,
                             const std::vector<std::string>& resource_ids) const override;
  Task<ObserveResult> ObserveResource(std::string target, std::string resource_id,
                                      const CallContext& context) override;
  std::optional<StoredResult> ResultOf(const Observation& now,
                                       const std::string& resource_id) const override;
  bool MayMeanAlreadyExecuted(const ResponseSummary& refusal) const override;

  ProductApplicationClient& passfort() const { return passfort_; }

 private:
  ProductApplicationClient& passfort_;
};

// Adds applications at most once per request_id; without one, by `direct`. The result of an earlier
// call comes with the application as it is now. Loop thread only.
class AtMostOnceWriter final : public ApplicationWriter {
 public:
  // All outlive the writer.
  struct Dependencies {
    AddProductApplication& operation;
    WriteCoordinator& coordinator;
    ApplicationWriter& direct;
    ResourceReads& reads;
    Clock& clock;
  };

  explicit AtMostOnceWriter(Dependencies dependencies) : dependencies_(dependencies) {}

  Task<WriteResult> Add(ApplicationDraft draft, RequestKey key,
                        const CallContext& context) override;

 private:
  Task<WriteResult> AddOnce(ApplicationDraft draft, RequestKey key, const CallContext& context);

  const Dependencies dependencies_;
};

// A draft and a list's ids as records keep them. The list's form is exposed for tests.
std::string EncodeDraft(const ApplicationDraft& draft);
// Nothing if no gateway of this version wrote it. A newer one may.
std::optional<ApplicationDraft> DecodeDraft(const std::string& target);
std::string EncodeBaseline(const ApplicationList& list);

// What is stored of an application: its id, product, role, status and flag, and so nothing about a
// person.
StoredResult ToStoredResult(const pb::ProductApplication& application);

// The values of a draft, in a form in which equal intents are equal: ids in lower case.
std::string FingerprintOf(const ApplicationDraft& draft);

}  // namespace gateway

#endif  // SERVICE_OPERATIONS_ADD_PRODUCT_APPLICATION_H_
