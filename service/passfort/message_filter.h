#ifndef SERVICE_PASSFORT_MESSAGE_FILTER_H_
#define SERVICE_PASSFORT_MESSAGE_FILTER_H_

#include <string>
#include <string_view>
#include <vector>

namespace gateway {

// What callers may see of the words in a Passfort error: one line of plain text, without anything
// that changes how the text around it is shown, and nothing about the gateway's own API key.
class MessageFilter {
 public:
  // The longest text that is shown, in bytes.
  static constexpr size_t kLongest = 200;

  // `keys`: the present one and those before it.
  explicit MessageFilter(std::vector<std::string> keys);

  // Empty for a web page, and where a key, or a large part of one, is in it, also if it is escaped
  // as in a URL or in JSON, taken apart by characters that are not shown, or in another case.
  std::string Shown(std::string_view text) const;

 private:
  bool HoldsKey(std::string_view text) const;

  std::vector<std::string> key_parts_;  // in lower case
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_MESSAGE_FILTER_H_
