#!/usr/bin/env python3
"""Makes the code wrong in one way after the other and expects the history checker to notice.

Usage: mutations.py [--fit | NAME...]

--fit only looks whether each mutation still finds its place in the code, and changes nothing.

Works on a copy of the repository in build/mutations. Prints a Markdown table with the number of
histories that each mutation survived. Exit codes: 0 all were noticed; 1 one was not, or its place in
the code is gone.
"""

import pathlib
import re
import shutil
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
COPY = REPOSITORY / "build" / "mutations"
CHECKER = COPY / "build" / "dev" / "bin" / "history_checker"
MAX_HISTORIES = 20000

SESSION = "service/idempotency/write_session.cc"
ATTEMPTS = "service/idempotency/write_attempts.cc"
RECONCILER = "service/idempotency/reconciler.cc"
OWNED_RECORD = "service/idempotency/owned_record.cc"
OPERATION = "service/operations/add_product_application.cc"
CREATE_PROFILE = "service/operations/create_profile.cc"
REPLAY = "service/operations/replay.h"
BUDGET_LEDGER = "service/idempotency/budget_ledger.cc"
DIRECT_WRITE = "service/operations/direct_write.h"
DIRECT_WRITER = "service/operations/direct_writer.cc"
BACKGROUND = "service/idempotency/background_reconciler.cc"
MATCH = "service/operations/application_match.cc"
STORE = "service/idempotency/store/sql_record_store.cc"
RESULTS = "service/idempotency/store/record_results.cc"
BUDGETS = "service/idempotency/store/budget_table.cc"
STATEMENTS = "service/idempotency/store/record_statements.cc"
PASSFORT = "tests/chaos/history/simulated_passfort.cc"

# Name, and what is replaced by what in which file.
MUTATIONS = {
    "no intent record": [(
        ATTEMPTS,
        "co_await state_.owned.RecordIntent(lease, conclusive_after, baseline_, sent_at,\n"
        "                                             state_.key.budget)) {",
        "((void)lease, (void)conclusive_after, (void)sent_at, Change::kApplied)) {",
    )],
    "no baseline": [(
        OPERATION,
        "for (const ListedApplication& listed : list.applications) AppendNetstring(listed.id, baseline);",
        "",
    )],
    "settle window counted from sending": [
        (ATTEMPTS,
         "state_.options.lease_duration + state_.options.attempt_timeout +\n"
         "                      state_.options.settle_window",
         "state_.options.settle_window"),
        (OWNED_RECORD,
         ".conclusive_after = conclusive_after, .was_",
         ".conclusive_after = conclusive_after && conclusive_after->count() < 0 ? conclusive_after "
         ": std::nullopt, .was_"),
    ],
    "no send gate": [(
        ATTEMPTS,
        "        state_.dependencies.clock.BootNow() + state_.options.lease_duration;",
        "        state_.dependencies.clock.BootNow() + 1000 * state_.options.lease_duration;",
    )],
    "send gate counted from after the intent": [
        (ATTEMPTS, "const BootTime send_before =", "BootTime send_before ="),
        (ATTEMPTS,
         "    if (next != Next::kContinue) break;\n",
         "    if (next != Next::kContinue) break;\n"
         "    send_before = state_.dependencies.clock.BootNow() + state_.options.lease_duration;\n"),
    ],
    "no epoch check": [
        (STATEMENTS, "epoch = $2 AND state = $3", "$2 IS NOT NULL AND state = $3"),
        (RESULTS, "now->epoch == expected.epoch && ", ""),
        (RECONCILER, "(*now)->epoch != expected.epoch || ", ""),
    ],
    "a plain resendable body": [(
        PASSFORT,
        "    case Ending::kDropAfter:\n      Make(*post);\n      return answer(back, lost);",
        """    case Ending::kDropAfter: {
      Make(*post);
      const auto again = std::make_shared<Post>(*post);
      again->number = static_cast<int>(posts_.size());
      again->is_made = false;
      posts_.push_back(again);
      return OnLeft(again, answer);
    }""",
    )],
    "proof before the conclusive moment": [(
        RECONCILER,
        "const bool is_conclusive =\n      !expected.conclusive_at || expected.store_now >= *expected.conclusive_at;",
        "const bool is_conclusive = true;",
    )],
    "attributed ids are not left out": [
        (MATCH, " || Contains(held, application.id)", " || (false && Contains(held, \"\"))"),
        (STATEMENTS, "OR other.resource_id = $5 OR other.replaced_id = $5", ""),
    ],
    "an expected id excludes": [(
        MATCH,
        "  return by_alias;\n",
        "  if (by_alias == Agreement::kUnknown) return by_id;\n  return by_alias;\n",
    )],
    "an expected id confirms another alias": [(
        MATCH,
        "if (by_alias == Agreement::kDifferent && is_expected_id) return Agreement::kUnknown;",
        "if (by_alias == Agreement::kDifferent && is_expected_id) return Agreement::kEqual;",
    )],
    "aliases are compared with case": [(
        MATCH,
        "if (absl::EqualsIgnoreCase(sent, listed)) return Agreement::kEqual;",
        "if (sent == listed) return Agreement::kEqual;",
    )],
    "aliases are compared with blanks": [
        (MATCH, "  sent = absl::StripAsciiWhitespace(sent);\n", ""),
        (MATCH, "  listed = absl::StripAsciiWhitespace(listed);\n", ""),
    ],
    "another role is another application": [(
        MATCH,
        "if (product == Agreement::kDifferent) continue;",
        "if (product == Agreement::kDifferent ||\n"
        "        CompareRole(draft, application) != Agreement::kEqual) {\n"
        "      continue;\n    }",
    )],
    "an incomplete list proves that there was no effect": [(
        RECONCILER,
        "shows_nothing && (effect.is_complete || absence == Absence::kKnown)",
        "shows_nothing && (true || absence == Absence::kKnown)",
    )],
    "a match beside what cannot be read is sure": [
        (OPERATION, "match.found && list.is_complete && before.is_complete", "match.found && before.is_complete"),
    ],
    "what could not be read before is new": [
        (OPERATION, "match.found && list.is_complete && before.is_complete", "match.found && list.is_complete"),
    ],
    "attributed ids are forgotten at expiry": [
        (STATEMENTS, "AND (state <> {done} OR NOT EXISTS", "AND (state IS NOT NULL OR NOT EXISTS"),
    ],
    "an inconclusive record contests nothing": [
        (STATEMENTS, "other.state = {inconclusive} AND other.conclusive_at >",
         "other.state = 99 AND other.conclusive_at >"),
    ],
    "a record that was reconciled early contests nothing": [
        (STATEMENTS, "OR (other.state = {done} AND other.result_origin = {reconciled} ", "OR (other.state = 99 "),
    ],
    "what a received response replaces is no longer attributed": [
        (STATEMENTS, " OR other.replaced_id = $5", ""),
        (STATEMENTS, "AND replaced_id IS NOT NULL", "AND FALSE"),
    ],
    "an uncertain match counts as another application": [(
        MATCH,
        "if (product == Agreement::kDifferent) continue;",
        "if (product != Agreement::kEqual) continue;",
    )],
    "a create: nothing to see is absent": [(
        CREATE_PROFILE,
        "return {.is_complete = false};",
        "return {.is_complete = true};",
    )],
    "a create: a call sends again after a dead holder": [
        (SESSION,
         "      co_return co_await reconcile_.Run(std::move(record), std::nullopt);\n    case",
         "      if (!state_.is_observable()) co_return co_await Reclaim(std::move(record));\n"
         "      co_return co_await reconcile_.Run(std::move(record), std::nullopt);\n    case"),
        # Else the baseline that it has sends it to evaluation, which finds it inconclusive.
        (ATTEMPTS, "if (!state_.owned->baseline) {",
         "if (!state_.owned->baseline || !state_.is_observable()) {"),
    ],
    "a create: the background reconciler gives it back": [(
        BACKGROUND,
        "    const auto look = co_await dependencies_.reconciler.Reconcile(std::move(record), context);",
        "    if (!record.conclusive_at) {\n"
        "      const Deadline soon(dependencies_.clock.Now() + kStoreTimeout);\n"
        "      static_cast<void>(co_await dependencies_.store.Remove(std::move(record), soon));\n"
        "      continue;\n"
        "    }\n"
        "    const auto look = co_await dependencies_.reconciler.Reconcile(std::move(record), context);",
    )],
    "a create: inconclusive is sent again": [
        (SESSION,
         "    case RecordState::kInconclusive:\n      break;",
         "    case RecordState::kInconclusive:\n"
         "      if (!state_.is_observable()) co_return co_await Reclaim(std::move(record));\n"
         "      break;"),
        (ATTEMPTS, "if (!state_.owned->baseline) {",
         "if (!state_.owned->baseline || !state_.is_observable()) {"),
    ],
    "a create: its lease ends before its attempt": [(
        ATTEMPTS,
        "(state_.is_observable() ? Milliseconds(0) : state_.options.attempt_timeout)",
        "Milliseconds(0)",
    )],
    "a create: counts as observable": [(
        CREATE_PROFILE.replace(".cc", ".h"),
        "bool is_observable() const override { return false; }",
        "bool is_observable() const override { return true; }",
    )],
    "a create: its result is not kept": [(
        CREATE_PROFILE, ".contents = kept.SerializeAsString()", ".contents = \"\"",
    )],
    "a create: its result names another one": [(
        CREATE_PROFILE,
        "kept.set_id(profile.id());",
        "kept.set_id(\"fedcba00-0000-4000-8000-00000000000b\");",
    )],
    "a create: a repeat is not read anew": [(
        REPLAY, "if (!IsUuid(kept->id())) co_return result;", "if (true) co_return result;",
    )],
    "a create: another person is the same request": [(
        CREATE_PROFILE, "request_id, draft.body, draft.unsent}", "request_id}",
    )],
    "a create: no send gate": [(
        CREATE_PROFILE,
        "CreateProfile(body_, context, send_before);",
        "CreateProfile(body_, context, send_before + Milliseconds(1000000));",
    )],
    "a budget: the intent is not charged": [(
        STORE, "statements.push_back(ChargeOf(expected, *change.budget));", "(void)ChargeOf;",
    )],
    "a budget: the look at it is the charge": [(
        ATTEMPTS, "                 state_.key.budget)", "                 std::nullopt)",
    )],
    "a budget: charged without a limit": [(
        STATEMENTS, "WHERE budget.used < $2 ", "WHERE budget.used < $2 + 1000000 ",
    )],
    "a budget: every intent is charged": [(
        STORE, "change.budget && !expected.charge", "change.budget.has_value()",
    )],
    "a budget: charged though the record was lost": [(
        STORE,
        "statements.front().needs_row = true;\n    statements.push_back(ChargeOf(",
        "statements.push_back(ChargeOf(",
    )],
    "a budget: the intent is kept though the charge is refused": [(
        BUDGETS, "writes_per_day},\n          .needs_row = true}", "writes_per_day}}",
    )],
    "a budget: a release gives nothing back": [(
        STORE, "statements.push_back(GivingBack(*expected.charge));", "",
    )],
    "a budget: a release gives back twice": [(
        STORE,
        "statements.push_back(GivingBack(*expected.charge));",
        "statements.push_back(GivingBack(*expected.charge));\n"
        "    statements.push_back(GivingBack(*expected.charge));",
    )],
    "a budget: given back though the record was lost": [(
        STORE,
        "statements.front().needs_row = true;\n    statements.push_back(GivingBack(",
        "statements.push_back(GivingBack(",
    )],
    "a budget: who is charged is asked again": [(
        SESSION, "if (known->has_value()) co_return Next::kContinue;", "",
    )],
    "a budget: the day before counts": [(
        STATEMENTS,
        "WHERE account = $1 AND day = {now} / {day}), 0)",
        "WHERE account = $1 AND day <= {now} / {day}), 0)",
    )],
    "a budget: a call without request_id is not charged": [(
        DIRECT_WRITER, "if (key.budget) {", "if (false) {",
    )],
    "a budget: a call without request_id is sent without the store": [(
        DIRECT_WRITE,
        "  if (!charged->ok()) {\n",
        "  if (!charged->ok()) {\n"
        "    co_return co_await WriteDirectly<Done>(tools, context, std::move(attempt));\n",
    )],
    "a budget: a call without request_id gives nothing back": [(
        DIRECT_WRITE, "if (IsSurelyNotExecuted(result)) {", "if (false) {",
    )],
    "a budget: a call without request_id gives back twice": [(
        DIRECT_WRITE,
        "if (IsSurelyNotExecuted(result)) {",
        "if (IsSurelyNotExecuted(result)) {\n"
        "    co_await ledger->GiveBack(std::get<BudgetCharge>(**charged), context);",
    )],
    "a budget: a call without request_id gives back what may be made": [(
        DIRECT_WRITE,
        "std::holds_alternative<Refused>(result.outcome);",
        "std::holds_alternative<Refused>(result.outcome) ||\n"
        "         std::holds_alternative<Ambiguous>(result.outcome);",
    )],
    "a budget: a drain does not wait for what is given back": [(
        BUDGET_LEDGER, "BudgetLedger::Drain() {\n", "BudgetLedger::Drain() {\n  co_return;\n",
    )],
}


def copy_repository():
    """Brings the copy up to date without touching what has not changed, so that a build is short."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout.split("\n")
    for name in filter(None, listed):
        source, target = REPOSITORY / name, COPY / name
        if not source.is_file():
            continue
        if target.exists() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    run_quietly(["cmake", "--preset", "dev"])


def run_quietly(command):
    done = subprocess.run(command, cwd=COPY, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")


def mutate(changes):
    """Returns what the changed files held before."""
    before = {}
    for name, old, new in changes:
        file = COPY / name
        text = file.read_text()
        if old not in text:
            sys.exit(f"{name} does not hold this any more: {old}")
        before.setdefault(file, text)
        file.write_text(text.replace(old, new))
    return before


def histories_survived():
    """The number of the history that broke a promise and its finding, or nothing."""
    done = subprocess.run([str(CHECKER), "--histories", str(MAX_HISTORIES)],
                          capture_output=True, text=True)
    number = re.search(r"in history (\d+) of this run", done.stdout)
    finding = re.search(r"BROKEN: (.*)", done.stdout)
    if number is None:
        # A process that ends itself says why.
        return None if done.returncode == 0 else ("?", done.stderr.strip())
    return number.group(1), finding.group(1)


def misfits():
    """The mutations whose places in the code are gone: (name, file, what it does not hold)."""
    return [(name, file, old)
            for name, changes in MUTATIONS.items()
            for file, old, _ in changes if old not in (REPOSITORY / file).read_text()]


def main(names):
    if names == ["--fit"]:
        found = misfits()
        for name, file, old in found:
            print(f"mutation '{name}': {file} does not hold this any more: {old}")
        return 1 if found else 0
    unknown = [name for name in names if name not in MUTATIONS]
    if unknown:
        sys.exit(f"no mutation is called {unknown[0]}; there are: {', '.join(MUTATIONS)}")
    copy_repository()
    print("| Mutation | Noticed in history | As |\n|---|---|---|", flush=True)
    survivors = 0
    for name in names or MUTATIONS:
        changes = MUTATIONS[name]
        before = mutate(changes)
        try:
            run_quietly(["cmake", "--build", "build/dev", "--target", "history_checker"])
            noticed = histories_survived()
        finally:
            for file, text in before.items():
                file.write_text(text)
        if noticed is None:
            survivors += 1
            noticed = ("NOT NOTICED", f"in {MAX_HISTORIES} histories")
        print(f"| {name} | {noticed[0]} | {noticed[1]} |", flush=True)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
