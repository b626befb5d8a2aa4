#ifndef SERVICE_PASSFORT_MAPPING_JSON_DATE_H_
#define SERVICE_PASSFORT_MAPPING_JSON_DATE_H_

#include <google/protobuf/timestamp.pb.h>

#include <optional>
#include <string_view>

namespace gateway {

// A date as Passfort writes it.
struct JsonDate {
  google::protobuf::Timestamp instant;
  // True if the text was the documented `YYYY-MM-DD hh:mm:ss`, which can be printed back from the
  // instant. Anything else says more, or says it differently.
  bool is_plain = false;
};

// Reads a date and time of the years 1 to 9999: `YYYY-MM-DD hh:mm:ss`, or with a T between, a
// fraction, and a zone (Z, +hh:mm, +hhmm or +hh). Passfort names no zone, so UTC where there is
// none. Nothing if it is no such date: 30 February, second 60, a date alone.
std::optional<JsonDate> ReadJsonDate(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_MAPPING_JSON_DATE_H_
