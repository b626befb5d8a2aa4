#ifndef TESTS_CHAOS_HISTORY_SCENE_H_
#define TESTS_CHAOS_HISTORY_SCENE_H_

#include <memory>
#include <string>
#include <vector>

#include "service/base/task.h"
#include "service/idempotency/store/record.h"
#include "tests/chaos/history/callers.h"
#include "tests/chaos/history/replica.h"
#include "tests/chaos/history/simulated_passfort.h"
#include "tests/chaos/history/simulated_store.h"
#include "tests/chaos/history/virtual_world.h"

namespace gateway::history {

// Where chance alone hardly ever gets: a `request_id` was sent in vain, then a rival that wants the
// very same is slow to learn what Passfort said, and the older one is called again in the midst of
// that. What comes when, where and whether at all is up to chance, as is all else in the history.
class Scene {
 public:
  // All outlive the scene.
  Scene(VirtualWorld& world, PassfortWeather weather, SimulatedPassfort& passfort,
        SimulatedStore& store, std::vector<std::unique_ptr<Replica>>& replicas, Callers& callers)
      : world_(world),
        weather_(weather),
        passfort_(passfort),
        store_(store),
        replicas_(replicas),
        callers_(callers) {}

  // Over in less than 22 seconds.
  void Begin() { Spawn(Play()); }

 private:
  Task<void> Play();
  Task<void> SendInVain(const std::string& request_id);
  Task<void> FreezeWithAnswer(const std::string& request_id);
  Task<void> FindBeforeAnswer(const std::string& request_id);

  void Change(const PassfortWeather& passfort, const ProcessWeather& process);
  void Call(const std::string& request_id, Milliseconds timeout);
  Task<void> Wait(Milliseconds least, Milliseconds most);
  // Or for somewhat longer than a record may be unresolved.
  Task<void> WaitUntil(const std::string& request_id, RecordState state);

  VirtualWorld& world_;
  const PassfortWeather weather_;
  SimulatedPassfort& passfort_;
  SimulatedStore& store_;
  std::vector<std::unique_ptr<Replica>>& replicas_;
  Callers& callers_;
};

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_SCENE_H_
