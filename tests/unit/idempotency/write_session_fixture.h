#ifndef TESTS_UNIT_IDEMPOTENCY_WRITE_SESSION_FIXTURE_H_
#define TESTS_UNIT_IDEMPOTENCY_WRITE_SESSION_FIXTURE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "service/idempotency/write_session.h"
#include "tests/unit/idempotency/engine_fixture.h"

namespace gateway {

using Failure = ImmediateExecutor::Failure;

inline Outcome<SharedResult> DoneWith(const std::string& line) {
  return AppendOperation::ResultOf(line);
}
inline Outcome<SharedResult> RefusedWith(int status) {
  return Refused{.response = {.http_status = status}};
}
inline const Outcome<SharedResult> kUnreachable = NotExecuted{};
inline const Outcome<SharedResult> kLost = Ambiguous{.cause = Ambiguous::Cause::kConnectionLost};

// Sessions as the coordinator runs them.
class WriteSessionTest : public EngineTest {
 protected:
  // As the coordinator runs one.
  struct Running {
    Running(const SessionDependencies& dependencies, RequestKey key,
            std::shared_ptr<const WriteRequest> request, Deadline latest)
        : session(dependencies, kOptions, std::move(key), std::move(request),
                  dependencies.trace_ids.NewTrace()) {
      session.SetLatestDeadline(latest);
      Spawn(Keep());
    }
    Task<void> Keep() {
      result = co_await session.Run();
      if (session.IsUnrecorded()) co_await session.RetryRecording();
    }
    std::optional<IdempotencyError::Cause> error() const {
      const auto* const found = result ? std::get_if<IdempotencyError>(&result->outcome) : nullptr;
      return found == nullptr ? std::nullopt : std::optional(found->cause);
    }
    std::string line() const {
      const auto* const done = result ? std::get_if<SharedResult>(&result->outcome) : nullptr;
      return done == nullptr ? "none" : (*done)->stored.resource_id;
    }
    std::optional<RetryEnd> retry_end() const { return result ? result->retry_end : std::nullopt; }
    template <typename T>
    const T* Get() const {
      return result ? std::get_if<T>(&result->outcome) : nullptr;
    }

    WriteSession session;
    std::optional<SessionResult> result;
  };

  void TearDown() override {
    for (const auto& running : sessions_) running->session.Stop();
    clock_.Advance(std::chrono::hours(1));  // and whoever polls sees it
  }

  Running& Start(RequestKey key = {.request_id = kId}) { return StartWith(request_, key); }
  Running& StartWith(std::shared_ptr<AppendRequest> request, RequestKey key = {.request_id = kId},
                     Deadline latest = Deadline(SteadyTime::max())) {
    sessions_.push_back(std::make_unique<Running>(Dependencies(), key, std::move(request), latest));
    return *sessions_.back();
  }
  // A statement as it is named in record_statements.h fails from now on.
  void FailAt(const std::string& statement, Failure failure) {
    executor_->fails = [statement, failure](const std::string& run) {
      return run == statement ? failure : Failure::kNone;
    };
  }
  void HealStore() {
    executor_->fails = [](const std::string&) { return Failure::kNone; };
  }
  RecordState StateNow() { return Find().value_or(Record{.state = RecordState(0)}).state; }

  const std::shared_ptr<AppendRequest> request_ = std::make_shared<AppendRequest>(operation_);
  std::vector<std::unique_ptr<Running>> sessions_;
};

}  // namespace gateway

#endif  // TESTS_UNIT_IDEMPOTENCY_WRITE_SESSION_FIXTURE_H_
