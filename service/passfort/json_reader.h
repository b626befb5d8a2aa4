#ifndef SERVICE_PASSFORT_JSON_READER_H_
#define SERVICE_PASSFORT_JSON_READER_H_

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "service/passfort/json_events.h"

namespace gateway {

// Reads one JSON text, whole. Nothing if it is not JSON, nested deeper than kMaxJsonDepth, not
// UTF-8, or has a number outside a double's range. Of members with equal names the last one counts.
//
// An integer that neither an int64, a uint64 nor a double holds exactly keeps its digits: it is
// read as a json::binary of the digits (JSON text itself has no binary values, so the two cannot be
// confused).
std::optional<nlohmann::json> ReadJson(std::string_view text);

// The reverse of ReadJson, in the shortest form: the digits of a json::binary become the number
// they were. `value` must be nested no deeper than kMaxJsonDepth and have nothing but UTF-8 in it.
std::string WriteJson(const nlohmann::json& value);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_JSON_READER_H_
