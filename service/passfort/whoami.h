#ifndef SERVICE_PASSFORT_WHOAMI_H_
#define SERVICE_PASSFORT_WHOAMI_H_

#include "service/passfort/api_transport.h"

namespace gateway {

// GET /whoami, which has no effects. Any response is an answer but that of a failing server: a
// refusal too shows that Passfort is there.
extern const ApiEndpoint kWhoAmI;

}  // namespace gateway

#endif  // SERVICE_PASSFORT_WHOAMI_H_
