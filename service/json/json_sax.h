#ifndef SERVICE_JSON_JSON_SAX_H_
#define SERVICE_JSON_JSON_SAX_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

namespace gateway {

// A JsonReading reads a text, in pieces, and reports each JsonScalar, key and JsonContainer to a
// JsonSaxHandler as it comes; a JsonEnd says whether it was JSON. Nothing is built here. What JSON
// or a double cannot hold (NumberText, OddString, OddWord) is reported as its text.

// The deepest nesting read from Passfort: what is built from it is printed, copied and freed by
// recursion.
inline constexpr int kMaxJsonDepth = 64;

// The most values (scalars, objects and lists) read from one response, and from a list of
// applications: a megabyte of `[0,0,...]` must not hold the loop.
inline constexpr size_t kMaxJsonValues = 20'000;
inline constexpr size_t kMaxJsonValuesOfList = 200'000;

// A number that no double prints back as the same value: a large integer, a long fraction, 1e-400,
// 1e400, and -0, whose sign is lost by printers that write 0.
struct NumberText {
  std::string_view digits;
};

// A string that holds what Unicode or JSON do not allow. Each such piece is there as an escape: a
// lone surrogate and an unknown escape as they were sent (`\ud83d`, `\q`), a byte that is not UTF-8
// as `\x` and two hexadecimal digits. So the text is UTF-8, and different strings stay different.
struct OddString {
  std::string_view text;
};

// A bare word that is no JSON value, such as NaN, Infinity, None or 01.
struct OddWord {
  std::string_view text;
};

// A JSON value that is neither an object nor a list. Its text is there until the event returns.
using JsonScalar = std::variant<std::nullptr_t, bool, int64_t, uint64_t, double, NumberText,
                                OddString, OddWord, std::string_view>;

enum class JsonContainer { kObject, kList };

// Is told what a JSON text says, from left to right. Each function returns false to stop the
// reading there. Nothing is known of what follows: the text may yet turn out to be no JSON.
class JsonSaxHandler {
 public:
  virtual ~JsonSaxHandler() = default;

  virtual bool OnScalar(const JsonScalar& value) = 0;
  // What comes until the matching OnClose() is inside.
  virtual bool OnOpen(JsonContainer kind) = 0;
  // The name of the member whose value comes next, with escapes as in OddString. An object may have
  // it twice.
  virtual bool OnKey(std::string_view name) = 0;
  virtual bool OnClose() = 0;
};

enum class JsonEnd {
  kWhole,      // it was one JSON text, and all of it was told
  kStopped,    // by `events`
  kBroken,     // it is not JSON, or cut off
  kOverLimit,  // it is nested deeper than kMaxJsonDepth or has more than `max_values` values
};

// Reads one JSON text, whole. Its structure has to be JSON (RFC 8259), each value need not: odd
// strings and words, control characters in strings and a byte order mark are read as well, since
// servers send them and one of them must not hide the rest. What strict JSON allows is read as it
// says. Takes time linear in the text, and memory for its longest string.
JsonEnd ParseJson(std::string_view text, JsonSaxHandler& events,
                  size_t max_values = kMaxJsonValues);

// The same in pieces, for a text that would hold the loop for too long. Both arguments outlive it.
class JsonReading {
 public:
  JsonReading(std::string_view text, JsonSaxHandler& events, size_t max_values);
  ~JsonReading();
  JsonReading(const JsonReading&) = delete;
  JsonReading& operator=(const JsonReading&) = delete;

  // Goes on for kJsonValuesOfPiece values or kJsonBytesOfPiece, and the rest of a number, a word or
  // white space. Nothing: there is more to read.
  std::optional<JsonEnd> ReadPiece();
  // Those that were begun so far, and the objects and lists among them.
  size_t values() const;
  size_t containers() const;

 private:
  friend JsonEnd ParseJson(std::string_view text, JsonSaxHandler& events, size_t max_values);
  class Scanner;

  std::unique_ptr<Scanner> scanner_;
};

// What one piece makes of them takes less than a millisecond, but for a long string that ends in
// it, of which there is then a copy.
inline constexpr size_t kJsonValuesOfPiece = 2'000;
inline constexpr size_t kJsonBytesOfPiece = size_t{64} * 1024;

}  // namespace gateway

#endif  // SERVICE_JSON_JSON_SAX_H_
