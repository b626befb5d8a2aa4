#include "service/once/resolver.h"

#include <algorithm>
#include <utility>

namespace gateway {
namespace {

constexpr Milliseconds kStoreTimeout{5000};

// A little earlier or later every time, so that several gateways do not look in step.
Milliseconds Spread(Milliseconds interval, RandomSource& random) {
  return std::chrono::duration_cast<Milliseconds>(interval * (0.75 + random.Fraction() / 2));
}

}  // namespace

Resolver::Resolver(OnceParts parts, Options options,
                   std::function<bool(const std::string& request_id)> is_active,
                   std::function<void(const RecordStore::Swept&)> on_swept)
    : parts_(std::move(parts)),
      options_(options),
      is_active_(std::move(is_active)),
      on_swept_(std::move(on_swept)) {}

Task<void> Resolver::Run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    next_round_ = SteadyTime::max();
    if (parts_.clock.Now() >= next_sweep_) co_await Sweep();
    co_await Round(stop);
    LookAfter(next_sweep_);
    co_await SleepUntilNextRound(stop);
  }
}

void Resolver::FlowEnded() {
  SweepBy(parts_.clock.Now() + options_.sweep_after);
  LookAfter(parts_.clock.Now());
}

void Resolver::LookAfter(SteadyTime at) {
  const Milliseconds spread = Spread(options_.interval, parts_.random);
  const SteadyTime round = std::max(at, parts_.clock.Now()) + spread;
  if (round >= next_round_) return;
  next_round_ = round;
  // A copy: whoever sleeps goes on at once, and replaces the member.
  std::stop_source(is_earlier_).request_stop();
}

Task<void> Resolver::SleepUntilNextRound(std::stop_token stop) {
  while (!stop.stop_requested() && parts_.clock.Now() < next_round_) {
    is_earlier_ = std::stop_source();
    const std::stop_callback on_stop(stop, [woken = is_earlier_] { woken.request_stop(); });
    co_await parts_.clock.SleepUntil(next_round_, is_earlier_.get_token());
  }
}

// Goes once through what is sent, page by page, as far as the leases have ended.
Task<void> Resolver::Round(std::stop_token stop) {
  RecordStore::Place after;
  bool is_last_page = false;
  while (!is_last_page && !stop.stop_requested()) {
    auto page = co_await parts_.store.Sent(after, options_.page,
                                           Deadline(parts_.clock.Now() + kStoreTimeout));
    if (!page.ok()) co_return LookAfter(parts_.clock.Now());
    is_last_page = std::ssize(*page) < options_.page;
    if (!page->empty()) after = {page->back().lease_until, page->back().request_id};
    std::deque<Record> due;
    for (Record& record : *page) {
      if (record.store_now < record.lease_until) {
        LookAfter(parts_.clock.Now() +
                  absl::ToChronoMilliseconds(record.lease_until - record.store_now));
        is_last_page = true;
        break;
      }
      if (IsDue(record.request_id)) due.push_back(std::move(record));
    }
    co_await LookAtAll(std::move(due), stop);
  }
  // Who was not looked at for so long is settled.
  const SteadyTime stale = parts_.clock.Now() - 2 * options_.longest_wait;
  std::erase_if(paces_, [stale](const auto& pace) { return pace.second.next < stale; });
}

bool Resolver::IsDue(const std::string& request_id) {
  if (is_active_(request_id)) return false;  // its end will be told
  const auto pace = paces_.find(request_id);
  if (pace == paces_.end() || pace->second.next <= parts_.clock.Now()) return true;
  LookAfter(pace->second.next);
  return false;
}

Task<void> Resolver::LookAtAll(std::deque<Record> due, std::stop_token stop) {
  if (due.empty()) co_return;
  std::stop_source all_done;
  int lookers = std::min(options_.most_looks, static_cast<int>(due.size()));
  for (int i = lookers; i > 0; --i) Spawn(LookAtNext(due, lookers, all_done, stop));
  co_await parts_.clock.SleepUntil(SteadyTime::max(), all_done.get_token());
}

Task<void> Resolver::LookAtNext(std::deque<Record>& due, int& lookers, std::stop_source all_done,
                                std::stop_token stop) {
  while (!due.empty() && !stop.stop_requested()) {
    Record record = std::move(due.front());
    due.pop_front();
    const Settlement look = co_await parts_.settler.Look(std::move(record), stop);
    SetPace(look);
    if (look.kind == Settlement::Kind::kUndecided) {
      parts_.log.Error("a write is undecided: look at the profile in Passfort's portal");
    }
  }
  if (--lookers == 0) all_done.request_stop();
}

void Resolver::SetPace(const Settlement& look) {
  const std::string& request_id = look.record.request_id;
  if (look.kind != Settlement::Kind::kNotYet && look.kind != Settlement::Kind::kNoList) {
    paces_.erase(request_id);
    // So that what is told of the store's records is not old for long.
    SweepBy(parts_.clock.Now() + options_.sweep_after);
    // Whoever changed it may have left it sent.
    if (look.kind == Settlement::Kind::kLost) LookAfter(parts_.clock.Now());
    return;
  }
  const auto [pace, is_new] = paces_.try_emplace(request_id, Pace{.wait = options_.first_wait});
  if (!is_new) pace->second.wait = std::min(2 * pace->second.wait, options_.longest_wait);
  Milliseconds wait = pace->second.wait;
  if (look.kind == Settlement::Kind::kNotYet) wait = std::min(wait, look.quiet_in);
  pace->second.next = parts_.clock.Now() + Spread(wait, parts_.random);
  LookAfter(pace->second.next);
}

Task<void> Resolver::Sweep() {
  next_sweep_ = parts_.clock.Now() + options_.longest_interval;
  const auto swept = co_await parts_.store.Sweep(Deadline(parts_.clock.Now() + kStoreTimeout));
  if (!swept.ok()) co_return SweepBy(parts_.clock.Now() + options_.sweep_after);
  if (swept->has_more) SweepBy(parts_.clock.Now());
  on_swept_(*swept);
  if (swept->undecided == 0) co_return;
  parts_.log.Error("writes have expired before their outcome was known",
                   {{"records", int64_t{swept->undecided}}});
}

}  // namespace gateway
