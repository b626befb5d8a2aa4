#ifndef SERVICE_OBSERVABILITY_JSON_TEXT_H_
#define SERVICE_OBSERVABILITY_JSON_TEXT_H_

#include <string>
#include <string_view>

namespace gateway {

// Appends `text` to `out` as a JSON string, quotes included. Every byte that is no part of valid
// UTF-8 becomes U+FFFD, so the result is valid whatever came in.
void AppendJsonString(std::string_view text, std::string& out);

// Appends `number`; null for the values that JSON does not have (infinity, not a number).
void AppendJsonNumber(double number, std::string& out);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_JSON_TEXT_H_
