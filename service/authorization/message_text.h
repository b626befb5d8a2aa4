#ifndef SERVICE_AUTHORIZATION_MESSAGE_TEXT_H_
#define SERVICE_AUTHORIZATION_MESSAGE_TEXT_H_

#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace gateway {

// absl::StrCat that takes std::string_view too: in Debian's build of abseil, absl::string_view is
// another type.
template <typename... Parts>
std::string MessageText(const Parts&... parts) {
  const auto to_absl = []<typename Part>(const Part& part) {
    if constexpr (std::is_convertible_v<const Part&, std::string_view>) {
      const std::string_view text = part;
      return absl::string_view(text.data(), text.size());
    } else {
      return part;
    }
  };
  return absl::StrCat(to_absl(parts)...);
}

// `texts` with `separator` in between.
inline std::string JoinedText(std::span<const std::string_view> texts, std::string_view separator) {
  std::string joined;
  for (const std::string_view text : texts) {
    if (!joined.empty()) joined += separator;
    joined += text;
  }
  return joined;
}

}  // namespace gateway

#endif  // SERVICE_AUTHORIZATION_MESSAGE_TEXT_H_
