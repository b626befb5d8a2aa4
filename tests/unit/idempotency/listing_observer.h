#ifndef TESTS_UNIT_IDEMPOTENCY_LISTING_OBSERVER_H_
#define TESTS_UNIT_IDEMPOTENCY_LISTING_OBSERVER_H_

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/idempotency/write_observer.h"

namespace gateway {

// Keeps what it hears of: "order-1 done note/1 received, by a call".
class ListingObserver final : public WriteObserver {
 public:
  std::vector<std::string> ends;
  std::string trace_id;  // of the last one

  void OnFinished(const FinishedWrite& write) override {
    std::string text = absl::StrCat(write.record.request_id, " ", NameOf(write.end));
    if (write.end == FinishedWrite::End::kDone) {
      const bool is_received = write.record.result_origin == ResultOrigin::kReceived;
      absl::StrAppend(&text, " ", write.record.result.resource_id,
                      is_received ? " received" : " reconciled");
    }
    ends.push_back(absl::StrCat(text, ", ", NameOf(write.by)));
    trace_id = std::string(write.trace_id);
  }

 private:
  static const char* NameOf(FinishedWrite::By by) {
    switch (by) {
      case FinishedWrite::By::kCall:
        return "by a call";
      case FinishedWrite::By::kBackground:
        return "in the background";
      case FinishedWrite::By::kOperator:
        return "by an operator";
    }
    return "";
  }
  static const char* NameOf(FinishedWrite::End end) {
    switch (end) {
      case FinishedWrite::End::kDone:
        return "done";
      case FinishedWrite::End::kRefused:
        return "refused";
      case FinishedWrite::End::kNotExecuted:
        return "not executed";
      case FinishedWrite::End::kNoEffect:
        return "without effect";
      case FinishedWrite::End::kInconclusive:
        return "inconclusive";
    }
    return "?";
  }
};

}  // namespace gateway

#endif  // TESTS_UNIT_IDEMPOTENCY_LISTING_OBSERVER_H_
