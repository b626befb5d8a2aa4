#ifndef SERVICE_CALLERS_CALLERS_READER_H_
#define SERVICE_CALLERS_CALLERS_READER_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "service/callers/caller_entry.h"

namespace gateway {

// What a callers file says.
struct CallersText {
  struct Caller {
    std::vector<std::string> principals;
    CallerEntry entry;
  };

  std::vector<Caller> callers;
  std::optional<CallerEntry> default_entry;  // nothing: callers without an entry are refused
};

// What the gateway itself has, which the file can only divide.
struct CallersLimits {
  size_t max_in_flight = 0;
  bool has_store = false;
};

inline constexpr size_t kMaxCallersBytes = size_t{256} * 1024;
inline constexpr size_t kMaxCallers = 1'000;

// Reads the text of a callers file:
//
//   {"callers": [CALLER, ...],
//    "default": LIMITS or null}
//   CALLER: {"name": "onboarding",
//            "principals": ["spiffe://example.org/onboarding"],
//            and what LIMITS has}
//   LIMITS: {"products": ["forexo_basic"],   all of them optional
//            "max_in_flight": 500,
//            "calls_per_minute": 600,
//            "writes_per_day": 2000,
//            "request_id": "required"}       or "optional"
//
// All entries have a usage of their own, of which nothing is used. An error says line, column and
// what to do. A limit that means something else than its author thinks costs money, so errors are,
// beside what PositionedJson refuses: an unknown or missing member, a value of another type, an
// empty list or string, a number out of range, a name, principal or product that is there twice, a
// principal that no certificate can give, a product that no request can name, and a daily budget
// without a store to keep it. `callers` may be empty if there is a default.
absl::StatusOr<CallersText> ReadCallers(std::string_view text, const CallersLimits& limits);

}  // namespace gateway

#endif  // SERVICE_CALLERS_CALLERS_READER_H_
