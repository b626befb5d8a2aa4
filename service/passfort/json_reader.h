#ifndef SERVICE_PASSFORT_JSON_READER_H_
#define SERVICE_PASSFORT_JSON_READER_H_

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

namespace gateway {

// The deepest nesting read from Passfort. nlohmann parses any depth, but prints and frees what it
// parsed by recursion.
inline constexpr int kMaxJsonDepth = 64;

// Reads one JSON text, whole. Nothing if it is not JSON, nested deeper than kMaxJsonDepth, not
// UTF-8, or has a number outside a double's range.
//
// An integer that neither an int64, a uint64 nor a double holds exactly keeps its digits: it is
// read as a json::binary of the digits (JSON text itself has no binary values, so the two cannot be
// confused).
std::optional<nlohmann::json> ReadJson(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_JSON_READER_H_
