#ifndef SERVICE_JSON_JSON_READER_H_
#define SERVICE_JSON_JSON_READER_H_

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "service/json/json_sax.h"

namespace gateway {

// The subtypes of a json::binary that stands for an OddString or an OddWord.
inline constexpr uint64_t kOddStringSubtype = 1;
inline constexpr uint64_t kOddWordSubtype = 2;

// Reads one JSON text, whole, as leniently as ParseJson. Nothing if it is not JSON or exceeds a
// limit. Of members with duplicate keys the last one counts.
//
// A number that no double prints back keeps its digits: it is read as a json::binary of the digits,
// without a subtype (JSON text itself has no binary values, so the two cannot be confused). An odd
// string or word is a json::binary of its text.
std::optional<nlohmann::json> ReadJson(std::string_view text, size_t max_values = kMaxJsonValues);

// The reverse of ReadJson, in the shortest form: digits become the number they were, odd strings
// and words a string of their text, so that it is always JSON. `value` must be nested no deeper
// than kMaxJsonDepth and have nothing but UTF-8 in it.
std::string WriteJson(const nlohmann::json& value);

}  // namespace gateway

#endif  // SERVICE_JSON_JSON_READER_H_
