#ifndef SERVICE_BASE_UUID_H_
#define SERVICE_BASE_UUID_H_

#include <algorithm>
#include <string_view>

#include "absl/strings/ascii.h"

namespace gateway {

// 8-4-4-4-12 hexadecimal digits in either case, and nothing else: nothing that could rewrite a URL.
// The version and variant bits do not count: Passfort's own samples break them.
inline bool IsUuid(std::string_view text) {
  constexpr std::string_view kPattern = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::equal(text.begin(), text.end(), kPattern.begin(), kPattern.end(),
                    [](char character, char expected) {
                      return expected == '-'
                                 ? character == '-'
                                 : absl::ascii_isxdigit(static_cast<unsigned char>(character));
                    });
}

}  // namespace gateway

#endif  // SERVICE_BASE_UUID_H_
