#ifndef SERVICE_JSON_JSON_STRING_H_
#define SERVICE_JSON_JSON_STRING_H_

#include <optional>
#include <string>
#include <string_view>

namespace gateway {

struct JsonString {
  // Always UTF-8. A part of the text that was read, or of the buffer.
  std::string_view text;
  // It held what OddString describes, and `text` has escapes in place of that.
  bool is_odd = false;
};

// Reads a JSON string that begins after its opening quote, and takes it off `rest` with the closing
// one. Nothing if there is none. Control characters stand for themselves. A string without escapes
// and odd bytes is not copied.
std::optional<JsonString> ReadJsonString(std::string_view& rest, std::string& buffer);

}  // namespace gateway

#endif  // SERVICE_JSON_JSON_STRING_H_
