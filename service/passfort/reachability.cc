#include "service/passfort/reachability.h"

#include <utility>

namespace gateway {
namespace {

// What says nothing of the way to Passfort: we stopped before there was a connection.
bool IsOurs(TransportFault fault) {
  return fault == TransportFault::kStopped || fault == TransportFault::kDeadline ||
         fault == TransportFault::kSendGateClosed || fault == TransportFault::kNoMemory ||
         fault == TransportFault::kInternal;
}

}  // namespace

void Reachability::OnResult(TransportFault fault) {
  if (IsOurs(fault)) return;
  if (!IsUnreachable(fault)) {
    // Even a connection that was lost had been made.
    const TransportFault ended = std::exchange(reported_, TransportFault::kNone);
    if (ended == TransportFault::kNone) return;
    log_.Info("Passfort can be reached again", {{"cause", FaultName(ended)}});
    return;
  }
  if (fault == reported_ || clock_.Now() < next_line_) return;
  log_.Error("Passfort cannot be reached: nothing is sent",
             {{"cause", FaultName(fault)}, {"detail", FaultWords(fault)}});
  reported_ = fault;
  next_line_ = clock_.Now() + kBetweenLines;
}

}  // namespace gateway
