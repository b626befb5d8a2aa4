#include "tests/soak/report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace gateway::soak {
namespace {

void WriteCounts(const Tally& tally, const char* title, const char* subject, std::string& text) {
  const Tally::Counts counts = tally.Of(subject);
  if (counts.empty()) return;
  absl::StrAppend(&text, "\n| ", title, " | |\n|---|---:|\n");
  for (const auto& [what, count] : counts) absl::StrAppend(&text, "| ", what, " | ", count, " |\n");
}

std::string Levels(const std::optional<Growth>& growth) {
  if (!growth) return "–";
  return absl::StrFormat("%.0f → %.0f (%+.0f)", growth->warm, growth->end, growth->grown());
}

// The calls between the middle of the second fifth and that of the last one.
double CallsBetweenLevels(const ReplicaReport& replica) {
  return 0.6 * static_cast<double>(replica.calls);
}

std::string PerCall(double kib, const ReplicaReport& replica) {
  return absl::StrFormat("%.1f B", kib * 1024 / CallsBetweenLevels(replica));
}

std::string Figures(long before, long peak, long after) {
  return absl::StrCat(before, " / ", peak, " / ", after);
}

bool HasJudgedGrowth(const Report& report) {
  return std::ranges::any_of(report.replicas,
                             [](const ReplicaReport& it) { return it.anonymous_kib.has_value(); });
}

void WriteReplicas(const Report& report, std::string& text) {
  absl::StrAppend(
      &text,
      "\nMemory: after the warm-up → at the end of the load, in KiB. Descriptors and "
      "threads: idle before / most / idle after.\n\n"
      "| Replica | Restarts | Calls | RssAnon | per call | VmRSS | Descriptors | Threads |\n"
      "|---|---:|---:|---:|---:|---:|---:|---:|\n");
  for (const ReplicaReport& it : report.replicas) {
    absl::StrAppend(
        &text, "| ", it.name, " | ", it.restarts, " | ", it.calls, " | ", Levels(it.anonymous_kib),
        " | ", it.anonymous_kib ? PerCall(it.anonymous_kib->grown(), it) : "–", " | ",
        Levels(it.resident_kib), " | ",
        Figures(it.idle_before.descriptors, it.peak.descriptors, it.idle_after.descriptors), " | ",
        Figures(it.idle_before.threads, it.peak.threads, it.idle_after.threads), " |\n");
  }
  if (!HasJudgedGrowth(report)) return;
  absl::StrAppend(&text, "\nRssAnon in the tenths of the load, in KiB:\n\n");
  for (const ReplicaReport& it : report.replicas) {
    if (!it.anonymous_kib) continue;
    absl::StrAppend(&text, "- ", it.name, ":");
    for (const double level : it.course) absl::StrAppendFormat(&text, " %.0f", level);
    const double tolerated = std::max(report.memory_tolerance.absolute,
                                      report.memory_tolerance.share * it.anonymous_kib->warm);
    absl::StrAppend(&text, " (a leak is noticed from ", PerCall(tolerated, it), " per call on)\n");
  }
}

void WriteComplaints(const Report& report, std::string& text) {
  std::map<std::string, int> all;
  for (const ReplicaReport& replica : report.replicas) {
    for (const auto& [message, count] : replica.complaints) all[message] += count;
  }
  if (all.empty()) return;
  absl::StrAppend(&text, "\n| Log lines of level warn and error | |\n|---|---:|\n");
  for (const auto& [message, count] : all) {
    absl::StrAppend(&text, "| ", message, " | ", count, " |\n");
  }
}

}  // namespace

std::string Written(const Report& report, const Tally& tally, const Findings& findings) {
  std::string text = absl::StrCat(
      "# Soak of passfort-gateway: ", findings.count() == 0 ? "clean" : "NOT CLEAN", "\n\n");
  absl::StrAppend(&text, "- seed ", report.seed, ", load for ", report.lasted.count(), " s",
                  report.was_interrupted
                      ? absl::StrCat(" (interrupted; ", report.wanted.count(), " s were asked for)")
                      : "",
                  "\n- gateway: ", report.gateway, "\n- ", tally.Sum(kCalls), " calls, ",
                  report.applications, " applications made\n");
  if (findings.count() == 0) {
    absl::StrAppend(&text,
                    "- kept: at most one application for each intent, each call answered, by a "
                    "documented code that was true, each request_id at its end, nothing secret in "
                    "a log, no descriptor or thread too many\n- memory: ",
                    HasJudgedGrowth(report) ? "not grown beyond the tolerance\n"
                                            : "not judged (a short load, or a sanitizer's)\n");
  }
  if (findings.count() > 0) {
    absl::StrAppend(&text, "\n## Wrong: ", findings.count(), "\n\n");
    for (const auto& [kind, found] : findings.by_kind()) {
      for (const std::string& what : found.first_ones) {
        absl::StrAppend(&text, "- ", kind, ": ", what, "\n");
      }
      const size_t more = found.count - found.first_ones.size();
      if (more > 0) absl::StrAppend(&text, "- ", kind, ": ", more, " more\n");
    }
  }
  absl::StrAppend(&text, "\n## Processes\n");
  WriteReplicas(report, text);
  WriteComplaints(report, text);
  absl::StrAppend(&text, "\n## What happened\n");
  WriteCounts(tally, "Calls", kCalls, text);
  WriteCounts(tally, "Answers", kAnswers, text);
  WriteCounts(tally, "Intents", kIntents, text);
  WriteCounts(tally, "Episodes", kEpisodes, text);
  WriteCounts(tally, "Faults scripted", kFaults, text);
  return text;
}

}  // namespace gateway::soak
