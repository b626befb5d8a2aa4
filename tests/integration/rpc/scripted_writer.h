#ifndef TESTS_INTEGRATION_RPC_SCRIPTED_WRITER_H_
#define TESTS_INTEGRATION_RPC_SCRIPTED_WRITER_H_

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "service/base/clock.h"
#include "service/base/event_loop.h"
#include "service/operations/application_writer.h"

namespace gateway {

// Far beyond what any wait in these tests takes, also under a sanitizer on a busy machine.
inline constexpr std::chrono::seconds kTestBound{60};

inline WriteResult DoneResult(pb::ProductApplication application) {
  return {.outcome =
              Done{.application = std::make_shared<pb::ProductApplication>(std::move(application)),
                   .error_code = {}},
          .sent_at = absl::Now()};
}

inline pb::ProductApplication AnApplication() {
  pb::ProductApplication application;
  application.set_id("a1");
  return application;
}

inline WriteResult NotSentResult(NotExecuted::Cause cause) {
  return {.outcome = NotExecuted{.cause = cause, .retry_after = {}, .response = {}}, .sent_at = {}};
}

inline WriteResult SentResult(Ambiguous::Cause cause) {
  return {.outcome = Ambiguous{.cause = cause, .response = {}}, .sent_at = absl::Now()};
}

// Answers as told, at once or when told, and remembers what it was asked for.
class ScriptedWriter final : public ApplicationWriter {
 public:
  struct Asked {
    ApplicationDraft draft;
    std::string request_id;
    RequestKey key;  // without its place
    Deadline deadline;
    std::string trace_id;
    std::string tracestate;
  };
  enum class When { kAtOnce, kHeld };

  ScriptedWriter(EventLoop& loop, Clock& clock) : loop_(loop), clock_(clock) {}

  // How calls from now on are answered. Any thread.
  struct Script {
    When when = When::kAtOnce;
    // At once or after `Release`, at the deadline, and when stopped.
    WriteResult answer = DoneResult(AnApplication());
    WriteResult at_deadline = NotSentResult(NotExecuted::Cause::kNoTimeLeft);
    WriteResult when_stopped = NotSentResult(NotExecuted::Cause::kStopped);
    // The next call gets `answer` itself, at once, and nobody else has it.
    bool gives_it_away = false;
    // Whether the places of calls are kept until DropPlaces, as by writes whose callers have left.
    bool keeps_places = false;
  };
  void Follow(Script script) {
    const std::lock_guard lock(mutex_);
    script_ = std::move(script);
  }
  void Answer(WriteResult answer) {
    Script script;
    script.answer = std::move(answer);
    Follow(std::move(script));
  }
  void HoldUntilStopped(WriteResult when_stopped) {
    Script script;
    script.when = When::kHeld;
    script.when_stopped = std::move(when_stopped);
    Follow(std::move(script));
  }
  void Hold() {
    Script script;
    script.when = When::kHeld;
    Follow(std::move(script));
  }

  Task<WriteResult> Add(ApplicationDraft draft, RequestKey intent,
                        const CallContext& context) override {
    Script script;
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(script_.gives_it_away, false)) {
        co_return std::exchange(script_.answer, DoneResult(AnApplication()));
      }
      script = script_;
      auto place = std::exchange(intent.place, nullptr);
      if (script.keeps_places) kept_places_.push_back(place);
      asked_.push_back({.draft = std::move(draft),
                        .request_id = intent.request_id,
                        .key = std::move(intent),
                        .deadline = context.deadline,
                        .trace_id = std::string(context.trace_id()),
                        .tracestate = context.trace->tracestate()});
      changed_.notify_all();
    }
    if (script.when == When::kAtOnce) co_return script.answer;

    std::stop_source either;
    const std::stop_callback on_stop(context.stop, [&either] { either.request_stop(); });
    const std::stop_callback on_release(release_.get_token(), [&either] { either.request_stop(); });
    co_await clock_.SleepUntil(context.deadline.at(), either.get_token());
    if (context.stop.stop_requested()) co_return script.when_stopped;
    co_return release_.stop_requested() ? script.answer : script.at_deadline;
  }

  // Any thread: held calls, and those to come, are answered.
  void Release() {
    loop_.Post([this] { release_.request_stop(); });
  }

  void DropPlaces() {
    const std::lock_guard lock(mutex_);
    kept_places_.clear();
  }

  std::vector<Asked> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

  void WaitUntilAsked(size_t times) const {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kTestBound, [&] { return asked_.size() >= times; }))
        << "waited for call " << times << " to reach the writer";
  }

 private:
  EventLoop& loop_;
  Clock& clock_;
  std::stop_source release_;  // loop thread only
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Script script_;                                         // guarded by mutex_
  std::vector<Asked> asked_;                              // guarded by mutex_
  std::vector<std::shared_ptr<const void>> kept_places_;  // guarded by mutex_
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_RPC_SCRIPTED_WRITER_H_
