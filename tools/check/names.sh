#!/usr/bin/env bash
# No identifier has a word again that the glossary has replaced (docs/glossary.md).
#
# Usage: tools/check/names.sh
# Exit codes: 0 none has; 1 some have, which are printed.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly REPLACED=(
  OnceMode OnceModeOptions OnceWriter OnceFlow OnceParts OnceOptions OnceStep # AtMostOnce, WriteCoordinator, WriteSession
  PlainWriter ApplicationWriter::Add                                          # DirectWriter, ApplicationWriter::Write
  ProfileTurns StepHook GATEWAY_STEP_HOOK                                     # KeyedMutex, FailPoints
  NotBegun kNotBegun kTooManyFlows max_flows                                  # IdempotencyError, kTooManySessions, max_sessions
  kUndecided quiet_at quiet_in first_snapshot CheckSnapshotSize               # kInconclusive, conclusive_at, baseline
  CallGate AnswerReader AddressFeed RateGate                                  # ConcurrencyLimiter, ResponseReader, RateLimiter
  PassfortClient RestPassfortClient GuardedPassfortClient                     # ApiTransport, RestTransport, ThrottledTransport
  OutcomeOfWrite EqualNames TellObserver TellFault NoteEnd NoteVerdict
  longest_interval most_looks first_wait longest_wait under_way nothing_done
)

pattern=$(IFS='|' && echo "${REPLACED[*]}")
if git grep -nwE "$pattern" -- service tests proto examples tools ':!tools/check/names.sh'; then
  echo "names that docs/glossary.md has replaced"
  exit 1
fi
