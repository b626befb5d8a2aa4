#ifndef SERVICE_BASE_NETSTRING_LIST_H_
#define SERVICE_BASE_NETSTRING_LIST_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gateway {

// A list of strings as one column: each string with its length in front ("3:abc,"), so that any
// bytes may be inside.
std::string EncodeNetstrings(const std::vector<std::string>& strings);
// Adds one to the end of such a column.
void AppendNetstring(std::string_view text, std::string& encoded);

// Nothing if `encoded` was not made by EncodeNetstrings.
std::optional<std::vector<std::string>> DecodeNetstrings(std::string_view encoded);

}  // namespace gateway

#endif  // SERVICE_BASE_NETSTRING_LIST_H_
