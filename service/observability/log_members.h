#ifndef SERVICE_OBSERVABILITY_LOG_MEMBERS_H_
#define SERVICE_OBSERVABILITY_LOG_MEMBERS_H_

#include <string>

#include "service/observability/log.h"

namespace gateway {

// Appends `"name":value` to the members of a JSON object, which may have begun with `{`, with a
// comma before it unless it is the first.
void AppendLogMember(const LogField& field, std::string& members);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_LOG_MEMBERS_H_
