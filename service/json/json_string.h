#ifndef SERVICE_JSON_JSON_STRING_H_
#define SERVICE_JSON_JSON_STRING_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gateway {

struct JsonString {
  // Always UTF-8. A part of the text that was read, or of the buffer.
  std::string_view text;
  // It held what OddString describes, and `text` has escapes in place of that.
  bool is_odd = false;
};

// Reads JSON strings, one after another and each in pieces. Control characters stand for
// themselves. A string of ASCII without escapes is not copied.
class JsonStringReader {
 public:
  enum class State { kMore, kWhole, kBroken };

  // The next string begins at `begin`, after its opening quote.
  void Begin(size_t begin);
  // Goes on at `at` and moves it: to `limit`, or to the end of the escape or character that is
  // there, or past the closing quote. `text` is the same until the string is whole.
  State GoOn(std::string_view text, size_t& at, size_t limit);
  // Of a whole one; until the next begins.
  JsonString Result() const;

 private:
  void Copy(std::string_view plain);
  size_t TakeEscape(std::string_view rest);
  size_t TakeUnit(uint32_t unit, std::string_view rest);
  size_t TakeCharacter(std::string_view rest);

  size_t begin_ = 0;
  // The string, if it is a part of the text that is read.
  std::string_view plain_;
  // Else what it says, so far.
  std::string copy_;
  bool is_copied_ = false;
  bool is_odd_ = false;
};

}  // namespace gateway

#endif  // SERVICE_JSON_JSON_STRING_H_
