#include "tests/chaos/history/scene.h"

#include <algorithm>

#include "service/base/one_shot.h"

namespace gateway::history {
namespace {

constexpr Milliseconds kLook{20};
constexpr Milliseconds kMoment{400};
// Beyond the conclusive moment, until some background reconciler has looked.
constexpr Milliseconds kLag{2500};
constexpr Milliseconds kPatience{9000};

}  // namespace

Task<void> Scene::Play() {
  callers_.WantTheSame(2 + world_.chance().Below(2));
  co_await Wait(Milliseconds(0), kMoment);
  const std::string older = callers_.intents()[0].request_id;
  const std::string rival = callers_.intents()[1].request_id;
  co_await SendInVain(older);
  // A third one comes at any time.
  if (callers_.intents().size() > 2 && world_.chance().Happens(0.3)) {
    Call(callers_.intents()[2].request_id, kPatience);
  }
  if (world_.chance().Happens(0.5)) {
    co_await FreezeWithAnswer(rival);
  } else {
    co_await FindBeforeAnswer(rival);
  }
  co_await Wait(Milliseconds(0), kMoment);
  Call(older, kPatience);
}

// Nothing is made, which is known only when all is quiet. The caller has gone by then, so nothing
// is sent again.
Task<void> Scene::SendInVain(const std::string& request_id) {
  PassfortWeather lossy = weather_;
  lossy.drop_before = 1;
  Change(lossy, {});
  Call(request_id, world_.chance().Between(Milliseconds(200), Milliseconds(1500)));
  co_await WaitUntil(request_id, RecordState::kNoEffect);
  Change(weather_, {});
  co_await Wait(Milliseconds(0), kMoment);
}

// Its process has Passfort's response and stands still, while the others cannot read what they see
// for so long that its record becomes inconclusive.
Task<void> Scene::FreezeWithAnswer(const std::string& request_id) {
  PassfortWeather unreadable = weather_;
  unreadable.unreadable = 1;
  Change(unreadable, {.freeze_at_step = 1, .only_step = FailPointId::kAfterAttempt});
  Call(request_id, kPatience);
  co_await WaitUntil(request_id, RecordState::kInconclusive);
  Change(weather_, {});
}

// Passfort is slow, and somebody adds an equal one by hand meanwhile. Who asks elsewhere is given
// that one, before Passfort answers with another; which a process that freezes may keep to itself
// for a while.
Task<void> Scene::FindBeforeAnswer(const std::string& request_id) {
  PassfortWeather slow = weather_;
  slow.slow = 1;
  slow.impatient = 1;
  const double freeze = world_.chance().Happens(0.5) ? 1 : 0;
  Change(slow, {.freeze_at_step = freeze, .only_step = FailPointId::kAfterAttempt});
  Call(request_id, kPatience);
  co_await Wait(Milliseconds(0), 4 * kMoment);
  Call(request_id, kPatience);
  co_await WaitUntil(request_id, RecordState::kDone);
  Change(weather_, {});
  co_await Wait(Milliseconds(0), ShortWindows().attempt_timeout);
}

void Scene::Change(const PassfortWeather& passfort, const ProcessWeather& process) {
  passfort_.Change(passfort);
  for (const auto& replica : replicas_) replica->Change(process);
}

void Scene::Call(const std::string& request_id, Milliseconds timeout) {
  for (const Intent& intent : callers_.intents()) {
    if (intent.request_id == request_id) callers_.CallNow(intent, timeout);
  }
}

Task<void> Scene::Wait(Milliseconds least, Milliseconds most) {
  OneShot<bool> is_time;
  world_.After(world_.chance().Between(least, most), [&is_time] { is_time.Set(true); });
  co_await is_time;
}

Task<void> Scene::WaitUntil(const std::string& request_id, RecordState state) {
  const SteadyTime latest = world_.now() + LongestUnresolved() + kLag;
  while (world_.now() < latest) {
    co_await Wait(kLook, kLook);
    const auto records = store_.Records();
    const bool is_there = std::any_of(records.begin(), records.end(), [&](const auto& record) {
      return record.request_id == request_id && record.state == static_cast<int64_t>(state);
    });
    if (is_there) co_return;
  }
}

}  // namespace gateway::history
