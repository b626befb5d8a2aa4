#ifndef SERVICE_IDEMPOTENCY_FAILPOINTS_FROM_ENVIRONMENT_H_
#define SERVICE_IDEMPOTENCY_FAILPOINTS_FROM_ENVIRONMENT_H_

#include "service/idempotency/failpoints.h"

namespace gateway {

// In a build with tests: what the environment variable GATEWAY_FAILPOINTS says, so that a test can
// have a gateway die or stand still at an exact moment. Its value is STEP:ACTION or STEP:ACTION:N,
// several of them with commas between.
//
//   STEP    begin claimed intent attempted resolving release finished settling, as in
//           FailPointId
//   ACTION  kill (SIGKILL to itself) or stop (SIGSTOP to itself, until somebody sends SIGCONT)
//   N       the how manieth time the step is reached, from 1; without it the first
//
// Before it acts it writes the line "failpoint: STEP:ACTION" to standard error. A value that is
// none of this ends the program: the test would prove nothing.
//
// In a release build there is neither the variable nor any of this.
#ifdef GATEWAY_FAILPOINTS
FailPoints FailPointsFromEnvironment();
#else
inline FailPoints FailPointsFromEnvironment() { return {}; }
#endif

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_FAILPOINTS_FROM_ENVIRONMENT_H_
