#ifndef TESTS_UNIT_TLS_CERTIFICATE_WATCHER_FIXTURE_H_
#define TESTS_UNIT_TLS_CERTIFICATE_WATCHER_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "service/base/clock.h"
#include "service/base/event_loop.h"
#include "service/base/task.h"
#include "service/observability/log.h"
#include "service/observability/metrics.h"
#include "service/tls/certificate_stage.h"
#include "service/tls/certificate_watcher.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/tls/certificate_files.h"

namespace gateway {

// Fails the test if it waits longer.
inline constexpr std::chrono::seconds kPatience{20};

// The machine's clock, with a date that can be moved, which counts how often it is asked for.
class MovableClock final : public Clock {
 public:
  explicit MovableClock(EventLoop& loop) : clock_(loop) {}

  SteadyTime Now() const override { return clock_.Now(); }
  BootTime BootNow() const override { return clock_.BootNow(); }
  absl::Time WallNow() const override {
    const std::lock_guard lock(mutex_);
    ++looks_;
    looked_.notify_all();
    return clock_.WallNow() + ahead_;
  }
  Task<SleepResult> SleepUntil(SteadyTime at, std::stop_token stop) override {
    return clock_.SleepUntil(at, std::move(stop));
  }

  void MoveAhead(absl::Duration by) {
    const std::lock_guard lock(mutex_);
    ahead_ += by;
  }
  // A look asks two or three times. Several looks later what the first of them saw has been told.
  void WaitForLooks() const {
    std::unique_lock lock(mutex_);
    const int enough = looks_ + 12;
    EXPECT_TRUE(looked_.wait_for(lock, kPatience, [&] { return looks_ >= enough; }))
        << "waited for looks at the files";
  }

 private:
  LoopClock clock_;
  mutable std::mutex mutex_;
  mutable std::condition_variable looked_;
  mutable int looks_ = 0;  // guarded by mutex_, likewise the next one
  absl::Duration ahead_;
};

// Keeps the lines, each as "level: message: detail".
class KeptLog final : public Log {
 public:
  bool IsOn(LogLevel /*level*/) const override { return true; }
  void Write(LogLevel level, std::string_view message, std::span<const LogField> fields) override {
    std::string line = level == LogLevel::kError  ? "error: "
                       : level == LogLevel::kWarn ? "warning: "
                                                  : "info: ";
    line += message;
    for (const LogField& field : fields) {
      if (field.name != "detail") continue;
      line += ": ";
      line += std::get<std::string_view>(field.value);
    }
    const std::lock_guard lock(mutex_);
    lines_.push_back(line);
    written_.notify_all();
  }

  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  // All lines, once there are that many.
  std::vector<std::string> WaitForLines(size_t count) const {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(written_.wait_for(lock, kPatience, [&] { return lines_.size() >= count; }))
        << "waited for " << count << " lines of the log";
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable written_;
  std::vector<std::string> lines_;  // guarded by mutex_
};

// A watcher of a server's certificate and key and of its callers' authorities. In the folder is a
// first set; tests write a second one, or a bad one, and see what is told, staged, logged and
// counted.
class CertificateWatcherTest : public testing::Test {
 protected:
  // What makes the watcher look, in a test: nothing else happens in its time.
  enum class Looks { kByTimer, kByInotify };

  CertificateWatcherTest() {
    auto loop = EventLoop::Create();
    EXPECT_TRUE(loop.ok()) << loop.status();
    loop_ = *std::move(loop);
    clock_.emplace(*loop_);
    auto stage = CertificateStage::Create(stage_parent_.path());
    EXPECT_TRUE(stage.ok()) << stage.status();
    stage_ = *std::move(stage);
    files_.Write(first_, clients_.certificate_pem());
  }

  static CertificateWatcher::Options LooksBy(Looks looks, const CertificatePaths& paths) {
    if (looks == Looks::kByTimer) {
      return {.paths = paths,
              .look_every = std::chrono::milliseconds(5),
              .settle_time = std::chrono::hours(1)};
    }
    return {.paths = paths,
            .look_every = std::chrono::hours(1),
            .settle_time = std::chrono::milliseconds(5)};
  }

  absl::Status Start(const CertificateWatcher::Options& options) {
    auto watcher = CertificateWatcher::Start(
        options,
        {.loop = *loop_, .stage = *stage_, .clock = *clock_, .log = log_, .metrics = metrics_},
        [this](const CertificateSet& set) {
          const std::lock_guard lock(mutex_);
          // What is told is staged already.
          staged_.push_back(ReadWhole(stage_->current().cert_file));
          told_.push_back(set);
          changed_.notify_all();
        });
    if (!watcher.ok()) return watcher.status();
    watcher_ = *std::move(watcher);
    return absl::OkStatus();
  }
  void StartLooking(Looks looks) {
    const auto started = Start(LooksBy(looks, files_.paths()));
    ASSERT_TRUE(started.ok()) << started;
  }

  // All sets that were told, once there are that many.
  std::vector<CertificateSet> WaitForSets(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return told_.size() >= count; }))
        << "waited for " << count << " sets";
    return told_;
  }
  void ExpectSecondSet() {
    const auto sets = WaitForSets(2);
    ASSERT_THAT(sets, testing::SizeIs(2));
    EXPECT_EQ(sets[1].certificate_pem, second_.certificate_pem);
    EXPECT_EQ(ReadWhole(stage_->current().cert_file), second_.certificate_pem);
    EXPECT_EQ(ReadWhole(stage_->current().key_file), second_.key_pem);
  }
  void ExpectFirstSetStill() {
    EXPECT_THAT(WaitForSets(1), testing::SizeIs(1));
    EXPECT_EQ(ReadWhole(stage_->current().cert_file), first_.certificate_pem);
    EXPECT_EQ(ReadWhole(stage_->current().key_file), first_.key_pem);
  }

  double Value(const std::string& metric) const {
    const std::string text = "\n" + metrics_.Text();
    const size_t at = text.find("\n" + metric + " ");
    if (at == std::string::npos) return -1;
    return std::stod(text.substr(at + metric.size() + 2));
  }
  double RefusedSets() const { return Value("passfort_gateway_tls_refused_sets_total"); }

  const absl::Time now_ = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()));
  const TestAuthority authority_;
  const TestAuthority clients_;
  const TlsIdentity first_ = authority_.IssueFor(ServerContent());
  const TlsIdentity second_ = authority_.IssueFor(ServerContent());
  const CertificateFiles files_;
  const TemporaryFolder stage_parent_;

  Metrics metrics_;
  KeptLog log_;
  std::unique_ptr<EventLoop> loop_;
  std::optional<MovableClock> clock_;
  std::unique_ptr<CertificateStage> stage_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<CertificateSet> told_;  // guarded by mutex_, likewise the next one
  std::vector<std::string> staged_;
  std::unique_ptr<CertificateWatcher> watcher_;
};

}  // namespace gateway

#endif  // TESTS_UNIT_TLS_CERTIFICATE_WATCHER_FIXTURE_H_
