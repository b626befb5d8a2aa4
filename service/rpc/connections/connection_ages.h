#ifndef SERVICE_RPC_CONNECTIONS_CONNECTION_AGES_H_
#define SERVICE_RPC_CONNECTIONS_CONNECTION_AGES_H_

#include "service/base/deadline.h"

namespace gateway {

// Tells every caller to go elsewhere (GOAWAY) while all of their calls are still served.
//
// gRPC 1.51 does that at the end of a connection's age and at no other time. `Server::Shutdown` is
// no substitute: it first refuses new calls and then tells the callers, so a call that arrives in
// between ends as a bare CANCELLED. But the age is a timer of gRPC's EventEngine, which a process
// may replace; ours keeps these timers and can let them ring early. Everything else it leaves to
// gRPC's own engine.
//
// gRPC has one engine in a process, so these are functions: of several servers in one process, as
// tests have them, the last one that started sets the age, and all are told together.

// Before a server is built. Its connections end after `max_age`, with gRPC's jitter of 10 %, if the
// server has `ConnectionAgeArgument` as its GRPC_ARG_MAX_CONNECTION_AGE_MS.
void StartConnectionAges(Milliseconds max_age);
int ConnectionAgeArgument();

// From now on every connection, also one yet to come, has reached its end: its caller is told, what
// it sent before it knew is served, and calls in flight have gRPC's grace to end. Any thread.
void EndConnectionAges();

}  // namespace gateway

#endif  // SERVICE_RPC_CONNECTIONS_CONNECTION_AGES_H_
