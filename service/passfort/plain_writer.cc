#include "service/passfort/plain_writer.h"

#include <utility>

namespace gateway {
namespace {

// The one line that decides whether a write leaves the gateway a second time.
std::optional<Repeat> MayRepeat(const WriteAttempt& attempt) {
  const auto* not_carried_out = std::get_if<NotCarriedOut>(&attempt.outcome);
  if (not_carried_out == nullptr) return std::nullopt;
  switch (not_carried_out->cause) {
    case NotCarriedOut::Cause::kUnreachable:
      return Repeat{};
    case NotCarriedOut::Cause::kRateLimited:
      return Repeat{.not_before = not_carried_out->retry_after.value_or(Milliseconds(0))};
    case NotCarriedOut::Cause::kNoTimeLeft:
    case NotCarriedOut::Cause::kStopped:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

// No coroutine itself: thousands of calls wait in here, and each frame counts.
Task<WriteAttempt> PlainWriter::Add(ApplicationDraft draft, std::string, Deadline deadline,
                                    std::stop_token stop) {
  auto attempt = [this, draft = std::move(draft), deadline, stop] {
    return client_.CreateApplication(draft, deadline, stop);
  };
  return RunWithRetries<WriteAttempt>(tools_, deadline, stop, std::move(attempt), MayRepeat);
}

}  // namespace gateway
