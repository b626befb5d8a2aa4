#ifndef SERVICE_OBSERVABILITY_STATUS_RENDERING_H_
#define SERVICE_OBSERVABILITY_STATUS_RENDERING_H_

#include <chrono>
#include <string>

#include "service/observability/status_report.h"

namespace gateway {

// A report that is older says that the event loop stands still.
inline constexpr std::chrono::seconds kMaxReportAge{5};

// The report as a page that needs no script, no colour and no more than 320 pixels.
std::string StatusHtml(const StatusReport& report, std::chrono::system_clock::time_point now);

// The same content:
// {"at": TIME, "age_seconds": N, "bad": N, "notices": N,
//  "sections": [{"title": "...", "items": [{"name": "...", "value": "...", "level": "good"}]}]}
// A fact has no level.
std::string StatusJson(const StatusReport& report, std::chrono::system_clock::time_point now);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_STATUS_RENDERING_H_
