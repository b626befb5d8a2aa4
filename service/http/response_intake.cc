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
constexpr auto kLongestPause = 5ms;
// As many are read on in one turn, and as many in the next if there is still room.
constexpr int kReadOnAtOnce = 4;

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

bool ResponseIntake::MayReadOn(CurlTransfer& transfer) {
  // What another one comes to would wait beside those that wait already.
  if (going_on_ == nullptr && ended_.empty() && !memory_.HasRoom()) going_on_ = &transfer;
  if (memory_.HasRoom() || going_on_ == &transfer) return true;
  memory_.metrics().ResponseWaits(Metrics::ResponseWait::kToRead);
  transfer.place().in_line = held_.insert(held_.end(), &transfer);
  return false;
}

void ResponseIntake::HandOn(CurlTransfer& ended) {
  Forget(ended);
  if (!memory_.HasRoomForResult()) {
    memory_.metrics().ResponseWaits(Metrics::ResponseWait::kForResult);
  }
  ended.place() = {.in_line = ended_.insert(ended_.end(), &ended), .is_ended = true};
}

void ResponseIntake::Forget(CurlTransfer& transfer) {
  const Place place = std::exchange(transfer.place(), {});
  if (place.in_line) (place.is_ended ? ended_ : held_).erase(*place.in_line);
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
  while (!ended_.empty() && memory_.HasRoomForResult() && now - start < kSlice) {
    ended_.front()->TellEnd();
    now = std::chrono::steady_clock::now();
  }
  if (ended_.empty() || now == start) return;
  is_pausing_ = true;
  pause_.StartAt(now + std::min<SteadyTime::duration>(now - start, kLongestPause));
}

void ResponseIntake::ReadOnSome() {
  for (int i = 0; i < kReadOnAtOnce && !held_.empty(); ++i) {
    if (!memory_.HasRoom() && (going_on_ != nullptr || !ended_.empty())) return;
    CurlTransfer& first = *held_.front();
    held_.pop_front();
    first.place() = {};
    first.ReadOn();
  }
  if (!held_.empty()) advance_.Request();
}

}  // namespace gateway
