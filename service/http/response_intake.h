#ifndef SERVICE_HTTP_RESPONSE_INTAKE_H_
#define SERVICE_HTTP_RESPONSE_INTAKE_H_

#include <cstddef>
#include <list>
#include <optional>

#include "service/base/event_loop.h"
#include "service/http/response_memory.h"

namespace gateway {

class CurlTransfer;

// When large responses are read on, and when whole ones are handed on: as ResponseMemory has room,
// some of each in a turn of the loop, and with pauses in between: to receive a megabyte takes
// milliseconds. What comes without end and is no body takes its turn too. While one is read as JSON
// (ResponseMemory::Reading) no other is handed on. Loop thread only, apart from construction.
class ResponseIntake {
 public:
  // Where a transfer waits, if it does; it keeps this for us.
  struct Place {
    std::optional<std::list<CurlTransfer*>::iterator> in_line;
    bool is_ended = false;        // it waits to be handed on, else to be read on
    bool waits_for_turn = false;  // to be read on, and for nothing else
    bool is_counted = false;      // as one that waits for memory
  };

  // `memory` tells no one else when it has room.
  ResponseIntake(EventLoop& loop, ResponseMemory& memory);
  ~ResponseIntake();
  ResponseIntake(const ResponseIntake&) = delete;
  ResponseIntake& operator=(const ResponseIntake&) = delete;

  // Whether so much more of a large response may be read. If not, `ReadOn` says when to ask again.
  bool MayReadOn(CurlTransfer& transfer, size_t bytes);
  // Has a response of which `bytes` have come and more is there be read on in a later turn.
  void HoldForTurn(CurlTransfer& transfer, size_t bytes);
  // Whether enough was read in this turn, so that the rest of a long response waits for the next.
  bool HasReadEnough() const;
  // Tells a large response's end when its turn has come.
  void HandOn(CurlTransfer& ended);
  // Nothing more comes of it, or it waits no longer.
  void Forget(CurlTransfer& transfer);

 private:
  void Advance();
  void HandOnSome();
  void ReadOnSome();
  void ReadOnFirst(std::list<CurlTransfer*>& line);
  // What Passfort says to a write must not be lost, so it has more room than what can be read
  // again.
  bool HasRoomFor(const CurlTransfer& transfer) const;
  std::list<CurlTransfer*>::iterator PlaceFor(const CurlTransfer& transfer);
  // Once for each time that it is held.
  void CountWait(CurlTransfer& held);

  ResponseMemory& memory_;
  size_t read_in_turn_ = 0;
  std::list<CurlTransfer*> held_;
  std::list<CurlTransfer*> waiting_for_turn_;  // not large, so memory is not what they wait for
  // The one that is read although there is no room, to its end.
  CurlTransfer* going_on_ = nullptr;
  std::list<CurlTransfer*> ended_;
  bool is_pausing_ = false;
  Timer pause_;
  EndOfTurnCallback advance_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_RESPONSE_INTAKE_H_
