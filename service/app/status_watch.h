#ifndef SERVICE_APP_STATUS_WATCH_H_
#define SERVICE_APP_STATUS_WATCH_H_

#include <vector>

#include "service/app/every_second.h"
#include "service/base/event_loop.h"
#include "service/observability/operator_pages.h"
#include "service/observability/status_report.h"

namespace gateway {

// Gathers every second what the parts of the gateway tell of themselves, and has the operator's
// pages show it.
class StatusWatch {
 public:
  // All of them outlive the watch. The sections are shown in the order of `sources`.
  struct Dependencies {
    EventLoop& loop;
    OperatorPages& pages;
    std::vector<const StatusSource*> sources;
  };

  // Any thread but the loop's, likewise the destructor.
  explicit StatusWatch(Dependencies dependencies);

 private:
  void Look() const;  // loop thread only

  const Dependencies dependencies_;
  const EverySecond looks_;  // the last member: it uses the others
};

}  // namespace gateway

#endif  // SERVICE_APP_STATUS_WATCH_H_
