// Reads any bytes as a callers file. What is accepted is accepted by the oracle too, and both give
// each caller the same; what is refused says where.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "service/callers/callers_reader.h"
#include "tests/unit/callers/callers_oracle.h"

namespace gateway {
namespace {

void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

// What the gateway would look up.
const CallerEntry* Find(const CallersText& callers, const std::string& principal) {
  for (const CallersText::Caller& caller : callers.callers) {
    if (std::ranges::find(caller.principals, principal) != caller.principals.end()) {
      return &caller.entry;
    }
  }
  return callers.default_entry.has_value() ? &*callers.default_entry : nullptr;
}

void CheckEntries(const CallersText& callers, const CallersOracle& oracle) {
  const auto check = [&callers, &oracle](const std::string& principal) {
    Check(AsJson(Find(callers, principal)) == oracle.Find(principal),
          "a caller has what the oracle gives it");
  };
  check("nobody");
  for (const CallersText::Caller& caller : callers.callers) {
    for (const std::string& principal : caller.principals) check(principal);
  }
}

void CheckFile(std::string_view text, const CallersLimits& limits) {
  const auto callers = ReadCallers(text, limits);
  const auto oracle = CallersOracle::Read(text, limits);
  if (callers.ok()) {
    Check(oracle.has_value(), "what the oracle refuses is refused");
    CheckEntries(*callers, *oracle);
  } else {
    Check(!oracle.has_value(), "what the oracle accepts is accepted");
    Check(std::string(callers.status().message()).starts_with("line "), "an error says where");
  }
}

}  // namespace
}  // namespace gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  gateway::CheckFile(text, {.max_in_flight = 100, .has_store = true});
  gateway::CheckFile(text, {.max_in_flight = 3, .has_store = false});
  return 0;
}
