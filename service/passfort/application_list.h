#ifndef SERVICE_PASSFORT_APPLICATION_LIST_H_
#define SERVICE_PASSFORT_APPLICATION_LIST_H_

#include "absl/time/time.h"
#include "service/passfort/passfort_client.h"

namespace gateway {

struct HttpResult;

// Reads the answer to GET /profiles/{profile_id}/applications. A list counts only if all of it is
// there: a 2xx with a JSON array whose every item is an object with a non-empty `id`, because what
// a list does not show is taken for not done. Everything else is what the table of outcomes makes
// of it. A pure function that never fails. `now` is for dates in rate-limit headers.
ListOutcome OutcomeOfList(const HttpResult& result, absl::Time now);

// A short stable name for logs and metrics, as OutcomeName has them.
std::string_view OutcomeName(const ListOutcome& outcome);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_APPLICATION_LIST_H_
