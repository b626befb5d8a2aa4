#include "service/app/status_watch.h"

#include <chrono>
#include <utility>

namespace gateway {

StatusWatch::StatusWatch(Dependencies dependencies)
    : dependencies_(std::move(dependencies)), looks_(dependencies_.loop, [this] { Look(); }) {}

void StatusWatch::Look() const {
  StatusReport report{.at = std::chrono::system_clock::now()};
  for (const StatusSource* source : dependencies_.sources) source->Describe(report);
  dependencies_.pages.Show(std::move(report));
}

}  // namespace gateway
