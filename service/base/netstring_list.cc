#include "service/base/netstring_list.h"

#include <charconv>

#include "absl/strings/str_cat.h"

namespace gateway {

std::string EncodeNetstrings(const std::vector<std::string>& strings) {
  std::string encoded;
  for (const std::string& text : strings) AppendNetstring(text, encoded);
  return encoded;
}

void AppendNetstring(std::string_view text, std::string& encoded) {
  absl::StrAppend(&encoded, text.size(), ":", absl::string_view(text.data(), text.size()), ",");
}

std::optional<std::vector<std::string>> DecodeNetstrings(std::string_view encoded) {
  std::vector<std::string> strings;
  while (!encoded.empty()) {
    size_t size = 0;
    const char* const end = encoded.data() + encoded.size();
    const auto [after_number, error] = std::from_chars(encoded.data(), end, size);
    if (error != std::errc() || after_number == end || *after_number != ':') return std::nullopt;
    encoded.remove_prefix(static_cast<size_t>(after_number - encoded.data()) + 1);
    if (encoded.size() <= size || encoded[size] != ',') return std::nullopt;
    strings.emplace_back(encoded.substr(0, size));
    encoded.remove_prefix(size + 1);
  }
  return strings;
}

}  // namespace gateway
