#ifndef SERVICE_PASSFORT_APPLICATION_WRITER_H_
#define SERVICE_PASSFORT_APPLICATION_WRITER_H_

#include <stop_token>
#include <string>

#include "service/base/deadline.h"
#include "service/base/task.h"
#include "service/passfort/passfort_client.h"

namespace gateway {

// Carries out one caller's intent to add an application, by as many attempts as that takes and
// allows. Loop thread only.
class ApplicationWriter {
 public:
  virtual ~ApplicationWriter() = default;

  // Returns what the intent came to, with the time when its last attempt was sent. Returns by
  // `deadline`, or soon after `stop` is requested. An empty `request_id` is none.
  virtual Task<WriteAttempt> Add(ApplicationDraft draft, std::string request_id, Deadline deadline,
                                 std::stop_token stop) = 0;
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_APPLICATION_WRITER_H_
