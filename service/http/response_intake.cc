#include "service/http/response_intake.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "service/http/curl_transfer.h"

namespace gateway {
namespace {

using std::chrono_literals::operator""ms;

// How long the loop goes on with whole responses before it looks at other things. The last one that
// is begun may take longer.
constexpr auto kSlice = 2ms;
// After that it looks at them for as long as the slice took, but no longer than this.
constexpr auto kMaxPause = 5ms;
// Received in one turn, of all of them; libcurl takes them by the kilobyte, up to 100 at a time.
constexpr size_t kReadInTurn = size_t{128} * 1024;
// As many are read on in one turn, and as many in the next if there is still room.
constexpr int kReadOnAtOnce = 2;

}  // namespace

ResponseIntake::ResponseIntake(EventLoop& loop, ResponseMemory& memory)
    : memory_(memory),
      pause_(loop,
             [this] {
               is_pausing_ = false;
               Advance();
             }),
      advance_(loop, [this] { Advance(); }) {
  memory_.SetReader([this] { Advance(); });
}

ResponseIntake::~ResponseIntake() {
  memory_.SetReader([] {});
}

bool ResponseIntake::MayReadOn(CurlTransfer& transfer, size_t bytes) {
  // What another one comes to would wait beside those that wait already.
  if (going_on_ == nullptr && ended_.empty() && !HasRoomFor(transfer)) going_on_ = &transfer;
  const bool has_room = HasRoomFor(transfer) || going_on_ == &transfer;
  advance_.Request();
  if (has_room && read_in_turn_ < kReadInTurn) {
    read_in_turn_ += bytes;
    return true;
  }
  transfer.place().in_line = held_.insert(PlaceFor(transfer), &transfer);
  if (!has_room) CountWait(transfer);
  return false;
}

void ResponseIntake::HoldForTurn(CurlTransfer& transfer, size_t bytes) {
  advance_.Request();
  if (transfer.IsLarge()) {  // its bytes were counted
    transfer.place().in_line = held_.insert(PlaceFor(transfer), &transfer);
    return;
  }
  read_in_turn_ += bytes;
  transfer.place() = {.in_line = waiting_for_turn_.insert(waiting_for_turn_.end(), &transfer),
                      .waits_for_turn = true};
}

bool ResponseIntake::HasReadEnough() const { return read_in_turn_ >= kReadInTurn; }

void ResponseIntake::CountWait(CurlTransfer& held) {
  if (!std::exchange(held.place().is_counted, true)) memory_.CountWait("read");
}

bool ResponseIntake::HasRoomFor(const CurlTransfer& transfer) const {
  return transfer.IsWrite() ? memory_.HasRoom() : memory_.HasRoomToRead();
}

// After the one that goes on, and after other writes if it is one.
std::list<CurlTransfer*>::iterator ResponseIntake::PlaceFor(const CurlTransfer& transfer) {
  if (going_on_ == &transfer) return held_.begin();
  if (!transfer.IsWrite()) return held_.end();
  return std::ranges::find_if(
      held_, [this](const CurlTransfer* held) { return held != going_on_ && !held->IsWrite(); });
}

void ResponseIntake::HandOn(CurlTransfer& ended) {
  Forget(ended);
  if (!memory_.HasRoomForResult()) {
    memory_.CountWait("result");
  }
  ended.place() = {.in_line = ended_.insert(ended_.end(), &ended), .is_ended = true};
}

void ResponseIntake::Forget(CurlTransfer& transfer) {
  const Place place = std::exchange(transfer.place(), {});
  auto& waiting = place.waits_for_turn ? waiting_for_turn_ : held_;
  if (place.in_line) (place.is_ended ? ended_ : waiting).erase(*place.in_line);
  if (going_on_ == &transfer) going_on_ = nullptr;
  advance_.Request();
}

void ResponseIntake::Advance() {
  if (!is_pausing_) HandOnSome();
  ReadOnSome();
}

void ResponseIntake::HandOnSome() {
  const SteadyTime start = std::chrono::steady_clock::now();
  SteadyTime now = start;
  while (!ended_.empty() && !memory_.IsReading() && memory_.HasRoomForResult() &&
         now - start < kSlice) {
    ended_.front()->Complete();
    now = std::chrono::steady_clock::now();
  }
  if (ended_.empty() || now == start) return;
  is_pausing_ = true;
  pause_.StartAt(now + std::min<SteadyTime::duration>(now - start, kMaxPause));
}

void ResponseIntake::ReadOnSome() {
  read_in_turn_ = 0;
  const SteadyTime start = std::chrono::steady_clock::now();
  // One of each kind, so that neither waits for the other.
  int left = kReadOnAtOnce;
  if (!waiting_for_turn_.empty()) {
    ReadOnFirst(waiting_for_turn_);
    --left;
  }
  bool has_room = true;
  // The second one only after a first that was quick.
  const auto is_slow = [start] { return std::chrono::steady_clock::now() - start >= kSlice; };
  for (; left > 0 && has_room && !held_.empty() && (left == kReadOnAtOnce || !is_slow()); --left) {
    CurlTransfer& first = *held_.front();
    const bool is_next = going_on_ == nullptr ? ended_.empty() : going_on_ == &first;
    has_room = HasRoomFor(first) || is_next;
    if (has_room) {
      ReadOnFirst(held_);
    } else {
      CountWait(first);  // it may have been held for the next turn only
    }
  }
  if ((has_room && !held_.empty()) || !waiting_for_turn_.empty()) advance_.Request();
}

void ResponseIntake::ReadOnFirst(std::list<CurlTransfer*>& line) {
  CurlTransfer& first = *line.front();
  line.pop_front();
  first.place() = {};
  first.ReadOn();
}

}  // namespace gateway
