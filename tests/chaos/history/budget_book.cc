#include "tests/chaos/history/budget_book.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "service/idempotency/store/record_statements.h"

namespace gateway::history {
namespace {

SqlRows Read(SqliteConnection& database, const std::string& statement) {
  auto rows = database.Run(statement, {}, absl::UnixEpoch());
  if (rows.ok()) return *std::move(rows);
  std::fprintf(stderr, "the checker's own database: %s\n", rows.status().ToString().c_str());
  std::abort();
}

int64_t Number(const SqlValue& value) { return std::get<int64_t>(value); }

}  // namespace

std::string NameOf(const ChargeKey& charge) {
  return absl::StrCat(charge.first, " on day ", charge.second);
}

BudgetBook::Kind BudgetBook::KindOf(const SqlStatement& first) {
  if (first.text == ExpireSent() || first.text == DeleteExpired()) return Kind::kSweep;
  if (first.text == UpsertResponse()) return Kind::kResponse;
  if (first.text == ChargeAccount()) return Kind::kDirectCharge;
  return first.text == GiveBackCharge() ? Kind::kDirectGiveBack : Kind::kOfRecords;
}

void BudgetBook::OnTransaction(const std::vector<SqlStatement>& statements, absl::Time now,
                               const SimulatedProcess& by) {
  const Kind kind = KindOf(statements.front());
  const int64_t today = absl::ToUnixSeconds(now) / (24 * 60 * 60);
  Records records = ReadRecords();
  Uses uses = ReadUses();
  Uses expected = CompareRecords(records, kind, today);
  NoteDirect(uses, kind, statements.front(), today, by, expected);
  CompareUses(uses, std::move(expected));
  records_ = std::move(records);
  uses_ = std::move(uses);
}

BudgetBook::Records BudgetBook::ReadRecords() {
  static const auto* const select = new std::string(
      "SELECT request_id, state, was_ambiguous, caller, budget_account, budget_day "
      "FROM passfort_gateway_records");
  Records records;
  for (const SqlRow& row : Read(database_, *select)) {
    KeptRecord record{.state = static_cast<RecordState>(Number(row[1])),
                      .was_ambiguous = Number(row[2]) != 0,
                      .account = std::get<SqlBytes>(row[3]).bytes};
    const auto* const account = std::get_if<std::string>(&row[4]);
    const auto* const day = std::get_if<int64_t>(&row[5]);
    if (account != nullptr && day != nullptr) record.charge.emplace(*account, *day);
    records.emplace(std::get<std::string>(row[0]), std::move(record));
  }
  return records;
}

BudgetBook::Uses BudgetBook::ReadUses() {
  static const auto* const select =
      new std::string("SELECT account, day, used FROM passfort_gateway_budgets");
  Uses uses;
  for (const SqlRow& row : Read(database_, *select)) {
    uses[{std::get<std::string>(row[0]), Number(row[1])}] = Number(row[2]);
  }
  return uses;
}

BudgetBook::Uses BudgetBook::CompareRecords(const Records& now, Kind kind, int64_t today) {
  Uses expected = uses_;
  for (const auto& [request_id, before] : records_) {
    if (!before.charge) continue;
    const auto kept = now.find(request_id);
    if (kept == now.end()) {
      OnGone(request_id, *before.charge);
      if (kind == Kind::kSweep) expired_.emplace(request_id, *before.charge);
      if (kind != Kind::kSweep) --expected[*before.charge];
    } else if (kept->second.charge != before.charge) {
      Report(absl::StrCat(request_id, " is no longer charged to ", NameOf(*before.charge)));
    }
  }
  for (const auto& [request_id, record] : now) {
    JudgeState(request_id, record);
    const auto before = records_.find(request_id);
    const bool was_charged = before != records_.end() && before->second.charge;
    if (!record.charge || was_charged) continue;
    const ChargeKey& charge = *record.charge;
    if (kind == Kind::kResponse && IsBroughtBack(request_id, charge)) continue;
    OnCharged(request_id, charge, today);
    ++expected[charge];
  }
  return expected;
}

void BudgetBook::OnCharged(const std::string& request_id, const ChargeKey& charge, int64_t today) {
  world_.Count("budget: a record is charged");
  world_.Note(request_id, " is charged to ", NameOf(charge));
  held_.push_back({.request_id = request_id, .charge = charge, .from = world_.now()});
  if (charge.second == today) return;
  Report(absl::StrCat(request_id, " is charged to ", NameOf(charge), ", but it is day ", today));
}

void BudgetBook::OnGone(const std::string& request_id, const ChargeKey& charge) {
  world_.Note("the record of ", request_id, ", charged to ", NameOf(charge), ", is gone");
  for (Held& held : held_) {
    const bool is_this = held.request_id == request_id && held.to == SteadyTime::max();
    if (is_this) held.to = world_.now();
  }
}

// A response that is stored late inserts what has expired anew; it was charged once.
bool BudgetBook::IsBroughtBack(const std::string& request_id, const ChargeKey& charge) {
  const auto expired = expired_.find({request_id, charge});
  if (expired == expired_.end()) return false;
  expired_.erase(expired);
  world_.Count("budget: a charged record comes back");
  held_.push_back({.request_id = request_id, .charge = charge, .from = world_.now()});
  return true;
}

void BudgetBook::JudgeState(const std::string& request_id, const KeptRecord& record) {
  if (record.charge && record.state == RecordState::kClaimed && !record.was_ambiguous) {
    Report(absl::StrCat(request_id, " is charged, but nothing was ever sent"));
  }
  if (!record.charge && record.state == RecordState::kSent &&
      plan_.IsAlwaysLimited(record.account)) {
    Report(absl::StrCat(request_id, " may be sent, and is not charged"));
  }
}

void BudgetBook::NoteDirect(const Uses& now, Kind kind, const SqlStatement& statement,
                            int64_t today, const SimulatedProcess& by, Uses& expected) {
  if (kind != Kind::kDirectCharge && kind != Kind::kDirectGiveBack) return;
  const std::string& account = std::get<std::string>(statement.parameters[0]);
  if (kind == Kind::kDirectGiveBack) {
    const ChargeKey charge{account, std::get<int64_t>(statement.parameters[1])};
    --expected[charge];
    ++directly_given_back_[charge];
    world_.Count("budget: a call without request_id gives back");
    world_.Note(NameOf(charge), " is given a write back");
    return;
  }
  const ChargeKey charge{account, today};
  const auto used = now.find(charge);
  const bool is_charged = used != now.end() && used->second != expected[charge];
  if (!is_charged) return;
  ++expected[charge];
  direct_charges_.push_back({.process = &by, .charge = charge, .at = world_.now()});
  world_.Count("budget: a call without request_id is charged");
  world_.Note(by.name(), ": a call without request_id is charged to ", NameOf(charge));
}

void BudgetBook::CompareUses(const Uses& now, Uses expected) {
  for (const auto& [charge, used] : now) {
    const auto before = uses_.find(charge);
    const int64_t used_before = before == uses_.end() ? 0 : before->second;
    if (used != expected[charge]) {
      Report(absl::StrCat(NameOf(charge), ": ", used, " writes count as used, but it is ",
                          expected[charge]));
    }
    expected.erase(charge);
    if (used == used_before) continue;
    history_.push_back({.at = world_.now(), .charge = charge, .used = used});
    const int64_t most = plan_.Largest(charge.first, world_.age());
    if (used <= used_before || used <= most) continue;
    Report(absl::StrCat(NameOf(charge), ": ", used, " writes, and the limit is ", most));
  }
  for (const auto& [charge, used] : expected) {
    if (used == 0) continue;
    Report(absl::StrCat(NameOf(charge), ": no write counts as used, but it is ", used));
  }
}

const BudgetBook::Held* BudgetBook::ChargeAt(const std::string& request_id, SteadyTime at) const {
  const auto found = std::find_if(held_.begin(), held_.end(), [&](const Held& held) {
    return held.request_id == request_id && held.from <= at && at <= held.to;
  });
  return found == held_.end() ? nullptr : &*found;
}

int BudgetBook::DirectlyGivenBack(const ChargeKey& charge) const {
  const auto found = directly_given_back_.find(charge);
  return found == directly_given_back_.end() ? 0 : found->second;
}

int64_t BudgetBook::Used(const ChargeKey& charge) const {
  const auto found = uses_.find(charge);
  return found == uses_.end() ? 0 : found->second;
}

int64_t BudgetBook::MostUsed(const ChargeKey& charge, SteadyTime from, SteadyTime to) const {
  int64_t at_first = 0;
  int64_t most = 0;
  for (const Use& use : history_) {
    if (use.charge != charge || use.at > to) continue;
    if (use.at < from) at_first = use.used;
    if (use.at >= from) most = std::max(most, use.used);
  }
  return std::max(at_first, most);
}

}  // namespace gateway::history
