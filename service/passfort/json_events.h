#ifndef SERVICE_PASSFORT_JSON_EVENTS_H_
#define SERVICE_PASSFORT_JSON_EVENTS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

namespace gateway {

// The deepest nesting read from Passfort. nlohmann parses any depth, but prints and copies what it
// parsed by recursion.
inline constexpr int kMaxJsonDepth = 64;

// An integer that neither an int64, a uint64 nor a double holds exactly.
struct LargeInteger {
  std::string_view digits;
};

// A JSON value that is neither an object nor a list. Its text is there until the event returns.
using JsonScalar =
    std::variant<std::nullptr_t, bool, int64_t, uint64_t, double, LargeInteger, std::string_view>;

enum class JsonContainer { kObject, kList };

// Is told what a JSON text says, from left to right. Each function returns false to stop the
// reading there. Nothing is known of what follows: the text may yet turn out to be no JSON.
class JsonEvents {
 public:
  virtual ~JsonEvents() = default;

  virtual bool Scalar(const JsonScalar& value) = 0;
  // What comes until the matching Close() is inside.
  virtual bool Open(JsonContainer kind) = 0;
  // The name of the member whose value comes next. An object may have it twice.
  virtual bool Name(std::string_view name) = 0;
  virtual bool Close() = 0;
};

// Reads one JSON text, whole. False if it is not JSON, nested deeper than kMaxJsonDepth, not UTF-8,
// or has a number outside a double's range, and if `events` stopped it.
bool ReadJsonEvents(std::string_view text, JsonEvents& events);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_JSON_EVENTS_H_
