#include "service/rpc/connections/connection_ages.h"

#include <grpc/event_engine/event_engine.h>
#include <grpc/grpc.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "service/rpc/calls/tsan_annotations.h"

namespace gateway {
namespace {

using grpc_event_engine::experimental::CreateEventEngine;
using grpc_event_engine::experimental::EndpointConfig;
using grpc_event_engine::experimental::EventEngine;
using grpc_event_engine::experimental::MemoryAllocator;
using grpc_event_engine::experimental::MemoryAllocatorFactory;
using grpc_event_engine::experimental::SetEventEngineFactory;

// An engine sees how long a timer shall wait, not what for. So gRPC is told an age that nothing
// else comes near: the settings and gRPC's own waits end at a day, or are for ever (how long a
// connection may be idle).
constexpr std::chrono::hours kMarkedAge{24 * 20};
bool IsAge(EventEngine::Duration wait) {
  constexpr std::chrono::hours kMargin = kMarkedAge / 5;  // gRPC's jitter is half of it
  return wait > kMarkedAge - kMargin && wait < kMarkedAge + kMargin;
}

// The timers of all connections' ages. Safe from any thread.
class Alarms {
 public:
  explicit Alarms(std::shared_ptr<EventEngine> engine) : engine_(std::move(engine)) {}

  // gRPC's own.
  EventEngine& engine() { return *engine_; }

  void Start(Milliseconds max_age) {
    const std::lock_guard lock(mutex_);
    max_age_ = max_age;
    is_over_ = false;
  }

  EventEngine::TaskHandle Set(EventEngine::Duration marked, EventEngine::Closure* closure) {
    const std::lock_guard lock(mutex_);
    const intptr_t number = ++last_number_;
    const EventEngine::TaskHandle handle = {{number, Mark()}};
    if (is_over_) {
      engine_->Run(closure);
      return handle;
    }
    const double jitter = std::chrono::duration<double>(marked) / kMarkedAge;
    const auto wait = std::chrono::duration_cast<EventEngine::Duration>(max_age_ * jitter);
    waiting_[number] = {.closure = closure,
                        .timer = engine_->RunAfter(wait, [this, number] { Ring(number); })};
    return handle;
  }

  bool IsOurs(const EventEngine::TaskHandle& handle) const { return handle.keys[1] == Mark(); }

  // Whether it will definitely not ring.
  bool Cancel(const EventEngine::TaskHandle& handle) {
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find(handle.keys[0]);
    if (found == waiting_.end()) return false;
    engine_->Cancel(found->second.timer);
    waiting_.erase(found);
    return true;
  }

  void End() {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    for (const auto& [number, alarm] : waiting_) {
      engine_->Cancel(alarm.timer);
      engine_->Run(alarm.closure);
    }
    waiting_.clear();
  }

 private:
  struct Alarm {
    EventEngine::Closure* closure = nullptr;
    EventEngine::TaskHandle timer = {};
  };

  // No handle of gRPC's engine has it: they count there.
  intptr_t Mark() const { return reinterpret_cast<intptr_t>(this); }

  void Ring(intptr_t number) {
    EventEngine::Closure* closure = nullptr;
    {
      const std::lock_guard lock(mutex_);
      const auto found = waiting_.find(number);
      if (found == waiting_.end()) return;
      closure = found->second.closure;
      waiting_.erase(found);
    }
    closure->Run();
  }

  const std::shared_ptr<EventEngine> engine_;
  std::mutex mutex_;
  Milliseconds max_age_{0};                      // guarded by mutex_
  bool is_over_ = false;                         // guarded by mutex_
  intptr_t last_number_ = 0;                     // guarded by mutex_
  std::unordered_map<intptr_t, Alarm> waiting_;  // guarded by mutex_
};

// A pointer; in newer versions of gRPC a StatusOr of one.
using DnsResolver = decltype(std::declval<EventEngine&>().GetDNSResolver(
    std::declval<EventEngine::DNSResolver::ResolverOptions>()));

// gRPC's engine, but for the timers of ages.
class AgingEngine final : public EventEngine {
 public:
  explicit AgingEngine(Alarms& alarms) : alarms_(alarms) { AnnotateHappensBefore(this); }

  TaskHandle RunAfter(Duration when, Closure* closure) override {
    if (IsAge(when)) return alarms().Set(when, closure);
    return engine().RunAfter(when, closure);
  }
  TaskHandle RunAfter(Duration when, absl::AnyInvocable<void()> closure) override {
    return engine().RunAfter(when, std::move(closure));
  }
  bool Cancel(TaskHandle handle) override {
    return alarms().IsOurs(handle) ? alarms().Cancel(handle) : engine().Cancel(handle);
  }

  absl::StatusOr<std::unique_ptr<Listener>> CreateListener(
      Listener::AcceptCallback on_accept, absl::AnyInvocable<void(absl::Status)> on_shutdown,
      const EndpointConfig& config,
      std::unique_ptr<MemoryAllocatorFactory> memory_allocator_factory) override {
    return engine().CreateListener(std::move(on_accept), std::move(on_shutdown), config,
                                   std::move(memory_allocator_factory));
  }
  ConnectionHandle Connect(OnConnectCallback on_connect, const ResolvedAddress& addr,
                           const EndpointConfig& args, MemoryAllocator memory_allocator,
                           Duration timeout) override {
    return engine().Connect(std::move(on_connect), addr, args, std::move(memory_allocator),
                            timeout);
  }
  bool CancelConnect(ConnectionHandle handle) override { return engine().CancelConnect(handle); }
  bool IsWorkerThread() override { return engine().IsWorkerThread(); }
  DnsResolver GetDNSResolver(const DNSResolver::ResolverOptions& options) override {
    return engine().GetDNSResolver(options);
  }
  void Run(Closure* closure) override { engine().Run(closure); }
  void Run(absl::AnyInvocable<void()> closure) override { engine().Run(std::move(closure)); }
#if __has_include(<grpc/event_engine/extensible.h>)
  // Newer versions of gRPC ask so for what an engine has beside these.
  void* QueryExtension(absl::string_view id) override { return engine().QueryExtension(id); }
#endif

 private:
  // gRPC's threads come by the engine from the one that made it.
  Alarms& alarms() {
    AnnotateHappensAfter(this);
    return alarms_;
  }
  EventEngine& engine() { return alarms().engine(); }

  Alarms& alarms_;
};

// Lives as long as the process: gRPC's threads may use it until the very end.
Alarms& TheAlarms() {
  static Alarms& alarms = []() -> Alarms& {
    grpc_init();  // without it there is nothing that an engine could be made of
    auto* made = new Alarms(CreateEventEngine());
    SetEventEngineFactory([made] { return std::make_unique<AgingEngine>(*made); });
    return *made;
  }();
  return alarms;
}

}  // namespace

void StartConnectionAges(Milliseconds max_age) { TheAlarms().Start(max_age); }

int ConnectionAgeArgument() { return static_cast<int>(Milliseconds(kMarkedAge).count()); }

void EndConnectionAges() { TheAlarms().End(); }

}  // namespace gateway
