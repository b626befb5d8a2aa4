#include "service/http/host_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "service/base/event_loop.h"
#include "tests/fakes/run_task.h"

namespace gateway {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

constexpr char kHost[] = "api.example.test";
constexpr std::chrono::seconds kLongEnough{50};

Deadline In(Milliseconds time) { return Deadline(std::chrono::steady_clock::now() + time); }

using Found = absl::StatusOr<HostAddresses>;

// A lookup that waits until the test opens the gate.
class GatedLookUp {
 public:
  HostResolver::LookUp Function() {
    return [this](const std::string&) -> absl::StatusOr<std::vector<std::string>> {
      ++started_;
      gate_.get_future().wait();
      return answer_;
    };
  }
  void Open(absl::StatusOr<std::vector<std::string>> answer) {
    answer_ = std::move(answer);
    gate_.set_value();
  }
  int started() const { return started_; }

 private:
  std::atomic<int> started_ = 0;
  std::promise<void> gate_;
  absl::StatusOr<std::vector<std::string>> answer_;
};

class HostResolverTest : public testing::Test {
 protected:
  void Make(HostResolver::LookUp look_up) {
    loop_->RunAndWait([&] { resolver_.emplace(*loop_, std::move(look_up)); });
  }
  void TearDown() override {
    loop_->RunAndWait([this] { resolver_.reset(); });
  }
  RunningTask<Found> Start(Deadline deadline = In(kLongEnough), std::stop_token stop = {}) {
    return StartTask(*loop_,
                     [this, deadline, stop] { return resolver_->Find(kHost, deadline, stop); });
  }
  // The loop has run everything that was posted to it before.
  void RunTurn() {
    loop_->RunAndWait([] {});
  }
  HostAddresses Known(SteadyTime now) {
    HostAddresses addresses;
    loop_->RunAndWait([&] { addresses = resolver_->Known(kHost, now); });
    return addresses;
  }

  const std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  std::optional<HostResolver> resolver_;
};

TEST_F(HostResolverTest, ManyCallersShareOneLookup) {
  GatedLookUp look_up;
  Make(look_up.Function());
  std::vector<RunningTask<Found>> callers;
  for (int i = 0; i < 100; ++i) callers.push_back(Start());
  RunTurn();
  look_up.Open(std::vector<std::string>{"192.0.2.1", "2001:db8::1"});

  for (auto& caller : callers) {
    const Found found = caller.Wait("a lookup");
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_THAT(**found, ElementsAre("192.0.2.1", "2001:db8::1"));
  }
  EXPECT_EQ(look_up.started(), 1);
  EXPECT_EQ(resolver_->lookups(), 1u);
}

TEST_F(HostResolverTest, KeepsAnAnswerForAMinuteAndRenewsItBefore) {
  Make([](const std::string&) { return std::vector<std::string>{"192.0.2.1"}; });
  const Found found = Start().Wait("a lookup");
  ASSERT_TRUE(found.ok()) << found.status();
  const SteadyTime now = std::chrono::steady_clock::now();

  EXPECT_EQ(Known(now), *found);
  EXPECT_EQ(Known(now + std::chrono::seconds(40)), *found);
  EXPECT_EQ(resolver_->lookups(), 1u);
  EXPECT_EQ(Known(now + HostResolver::kTtl), nullptr);
  EXPECT_EQ(resolver_->lookups(), 1u) << "to say that it is too old is no reason to look it up";
  EXPECT_EQ(Known(now + std::chrono::seconds(50)), *found);
  EXPECT_EQ(resolver_->lookups(), 2u) << "renewed in the background";
}

TEST_F(HostResolverTest, AnUnchangedAnswerIsTheSameObject) {
  Make([](const std::string&) { return std::vector<std::string>{"192.0.2.1"}; });
  const Found first = Start().Wait("the first lookup");
  ASSERT_TRUE(first.ok()) << first.status();
  // The third lookup can only start after the second one has brought its response.
  while (resolver_->lookups() < 3) {
    ASSERT_EQ(Known(std::chrono::steady_clock::now() + std::chrono::seconds(50)), *first);
  }
}

TEST_F(HostResolverTest, AFailureGoesToAllThatWaitAndIsNotKept) {
  std::atomic<int> lookups = 0;
  Make([&lookups](const std::string&) -> absl::StatusOr<std::vector<std::string>> {
    if (++lookups == 1) return absl::UnavailableError("no such host");
    return std::vector<std::string>{"192.0.2.1"};
  });
  EXPECT_EQ(Start().Wait("a failing lookup").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(Start().Wait("the next lookup").ok());
}

TEST_F(HostResolverTest, AHostWithoutAddressIsAFailure) {
  Make([](const std::string&) { return std::vector<std::string>{}; });
  EXPECT_EQ(Start().Wait("a lookup").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(HostResolverTest, ACallerLeavesAtItsDeadlineOrWhenStoppedAndTheOthersGoOn) {
  GatedLookUp look_up;
  Make(look_up.Function());
  std::stop_source stop;
  auto stays = Start();
  auto hurries = Start(In(Milliseconds(20)));
  auto stopped = Start(In(kLongEnough), stop.get_token());
  EXPECT_EQ(hurries.Wait("the deadline").status().code(), absl::StatusCode::kDeadlineExceeded);
  loop_->RunAndWait([&] { stop.request_stop(); });
  EXPECT_EQ(stopped.Wait("the stop").status().code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(stays.HasEnded());
  look_up.Open(std::vector<std::string>{"192.0.2.1"});
  EXPECT_TRUE(stays.Wait("the lookup").ok());
}

TEST_F(HostResolverTest, OneThatWasStoppedBeforeDoesNotWait) {
  GatedLookUp look_up;
  Make(look_up.Function());
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(Start(In(kLongEnough), stop.get_token()).Wait("nothing").status().code(),
            absl::StatusCode::kCancelled);
  auto other = Start();
  RunTurn();
  look_up.Open(std::vector<std::string>{"192.0.2.1"});
  EXPECT_TRUE(other.Wait("the lookup").ok());
}

TEST_F(HostResolverTest, ACallerWhoIsToldMayStopAnotherThatWaits) {
  GatedLookUp look_up;
  Make(look_up.Function());
  std::stop_source stop;
  auto first = StartTask(*loop_, [&]() -> Task<Found> {
    Found found = co_await resolver_->Find(kHost, In(kLongEnough), {});
    stop.request_stop();
    co_return found;
  });
  auto second = Start(In(kLongEnough), stop.get_token());
  RunTurn();
  look_up.Open(std::vector<std::string>{"192.0.2.1"});
  EXPECT_TRUE(first.Wait("the lookup").ok());
  EXPECT_EQ(second.Wait("the stop").status().code(), absl::StatusCode::kCancelled);
}

TEST_F(HostResolverTest, TheEndDoesNotWaitForALookup) {
  auto gate = std::make_shared<std::promise<void>>();
  auto ended = std::make_shared<std::promise<void>>();
  Make([gate, ended](const std::string&) -> absl::StatusOr<std::vector<std::string>> {
    gate->get_future().wait();
    ended->set_value();
    return absl::UnavailableError("too late");
  });
  EXPECT_FALSE(Start(In(Milliseconds(5))).Wait("the deadline").ok());
  loop_->RunAndWait([this] { resolver_.reset(); });
  gate->set_value();
  ended->get_future().wait();
}

TEST(LookUpBySystemTest, KnowsLocalhost) {
  const auto found = SystemLookup("localhost");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_THAT(*found, Not(IsEmpty()));
  EXPECT_THAT(*found, Each(testing::AnyOf("127.0.0.1", "::1")));
}

TEST(LookUpBySystemTest, SaysThatAHostIsNotThere) {
  EXPECT_EQ(SystemLookup("no such host").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace gateway
