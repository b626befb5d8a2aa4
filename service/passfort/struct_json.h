#ifndef SERVICE_PASSFORT_STRUCT_JSON_H_
#define SERVICE_PASSFORT_STRUCT_JSON_H_

#include <google/protobuf/struct.pb.h>

#include <nlohmann/json_fwd.hpp>

namespace gateway {

// JSON as google.protobuf.Struct. Pure functions.
//
// A Struct's numbers are doubles, so an integer that no double holds becomes a string of its
// digits. Clients' protobuf parsers stop at 100 nested messages, and a Struct takes three for each
// JSON level, so an object or list more than kMaxStructLevels below the Struct becomes a string of
// its JSON text.
inline constexpr int kMaxStructLevels = 24;

// Fills an empty `value`, which is `level` levels below its Struct: 1 for the Struct's own members.
void ValueFromJson(nlohmann::json source, int level, google::protobuf::Value& value);

// Fills an empty Struct from a JSON object.
void StructFromJson(nlohmann::json source, google::protobuf::Struct& result);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_STRUCT_JSON_H_
