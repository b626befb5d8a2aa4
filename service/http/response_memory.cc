#include "service/http/response_memory.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "service/base/freed_memory.h"

namespace gateway {
namespace {

// Less is not worth the look at what is free; to return much more holds up all who need memory.
constexpr size_t kReturnedAtOnce = size_t{1} << 20;

// Deletes a result for a shared_ptr, which can be asked for it.
struct CountedDeleter {
  std::shared_ptr<void> result;
  std::unique_ptr<ResponseMemory::Share> share;
  size_t bytes;

  void operator()(void* /*result*/) {
    result.reset();
    share.reset();
  }
};

}  // namespace

void ResponseMemory::Share::Set(size_t bytes, Before before) {
  if (bytes < kSmallResponseBytes) bytes = 0;
  if (bytes != bytes_) memory_.Change(use_, std::exchange(bytes_, bytes), bytes, before);
}

ResponseMemory::Reading::Reading(ResponseMemory& memory, size_t body_bytes)
    : memory_(memory), body_(memory, Use::kBody) {
  ++memory_.readings_;
  body_.Set(body_bytes);
}

ResponseMemory::Reading::~Reading() {
  --memory_.readings_;
  memory_.ReportRoom();
}

void ResponseMemory::AddPiece(std::coroutine_handle<> waiter) {
  pieces_.push_back(waiter);
  next_piece_.Request();
}

void ResponseMemory::RunPiece() {
  const std::coroutine_handle<> next = pieces_.front();
  pieces_.pop_front();
  if (!pieces_.empty()) next_piece_.Request();
  next.resume();
}

ResponseMemory::ResponseMemory(EventLoop& loop, size_t max_bytes, Metrics& metrics)
    : loop_(loop),
      max_bytes_(max_bytes),
      bytes_(metrics.AddGauge(
          "passfort_gateway_response_bytes",
          "Memory that large responses of Passfort take, and what is made of them.")),
      waits_(metrics.AddCounter(
          "passfort_gateway_response_waits_total",
          "Requests that were not sent, connections that were not read and responses that were not "
          "used at once, because of the memory that others take.",
          {"wait"})),
      refusals_(
          metrics.AddCounter("passfort_gateway_response_refusals_total",
                             "Requests to Passfort that were not sent because of that memory.")),
      next_piece_(loop, [this] { RunPiece(); }) {
  bytes_.Set(0);
}

// What was posted last uses it, and posts once more as long as there is something to return.
ResponseMemory::~ResponseMemory() {
  loop_.RunAndWait([this] { given_back_ = 0; });
  loop_.RunAndWait([] {});
}

void ResponseMemory::Change(Use use, size_t from, size_t to, Share::Before before) {
  std::atomic<size_t>& taken = use == Use::kBody ? bodies_ : results_;
  taken += to - from;  // modulo, so also less
  bytes_.Add(static_cast<double>(to) - static_cast<double>(from));
  if (to >= from) return;
  if (before == Share::Before::kTaken) given_back_ += from - to;
  ReportRoom();
}

void ResponseMemory::ReportRoom() {
  if (is_posted_.exchange(true)) return;
  loop_.Post([this] {
    is_posted_ = false;
    if (!std::exchange(is_returning_, true)) ReturnSome();
    LetIn();
  });
}

void ResponseMemory::ReturnSome() {
  is_returning_ = given_back_ >= kReturnedAtOnce;
  if (!is_returning_) return;
  given_back_ -= kReturnedAtOnce;
  ReturnFreedMemory(kReturnedAtOnce);
  loop_.Post([this] { ReturnSome(); });
}

void ResponseMemory::LetIn() {
  // First those whose requests are sent.
  on_room_();
  while (!senders_.empty() && HasRoom()) senders_.front().Set(Entry::kRoom);
}

Task<ResponseMemory::Entry> ResponseMemory::WaitForRoom(SteadyTime until, std::stop_token stop) {
  if (MaySend()) co_return Entry::kRoom;
  CountWait("send");
  const auto place = senders_.emplace(senders_.end());
  Timer timer(loop_, [place] { place->Set(Entry::kTooLate); });
  timer.StartAt(until);
  Entry entry = Entry::kRoom;
  {
    const std::stop_callback on_stop(stop, [place] { place->Set(Entry::kStopped); });
    entry = co_await *place;
  }
  senders_.erase(place);
  if (entry == Entry::kTooLate) refusals_.Increment();
  co_return entry;
}

std::shared_ptr<void> CountResult(std::shared_ptr<void> result, size_t bytes,
                                  ResponseMemory& memory) {
  auto share = std::make_unique<ResponseMemory::Share>(memory, ResponseMemory::Use::kResult);
  share->Set(std::min(bytes, memory.max_bytes() / 2));
  void* const counted = result.get();
  return {counted, CountedDeleter{std::move(result), std::move(share), bytes}};
}

size_t CountedBytes(const std::shared_ptr<const void>& result) {
  const auto* const deleter = std::get_deleter<CountedDeleter>(result);
  return deleter != nullptr ? deleter->bytes : 0;
}

void RecountResult(const std::shared_ptr<const void>& result, size_t bytes) {
  if (auto* const deleter = std::get_deleter<CountedDeleter>(result)) {
    deleter->share->Set(bytes, ResponseMemory::Share::Before::kEstimate);
  }
}

}  // namespace gateway
