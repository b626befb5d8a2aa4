#ifndef SERVICE_PASSFORT_MAPPING_APPLICATION_MEMBERS_H_
#define SERVICE_PASSFORT_MAPPING_APPLICATION_MEMBERS_H_

#include <google/protobuf/message.h>

#include <span>
#include <string_view>

#include "service/json/json_sax.h"

namespace gateway {

struct Field;

// A member of a JSON object, and the field it goes to.
struct Member {
  std::string_view name;
  const Field& field;
};

using Members = std::span<const Member>;

// No object has more: a reader can have a bit for each.
inline constexpr int kMaxMembers = 32;

// Whether a field would print back the JSON value it was read from.
enum class Reading { kWhole, kKeepJson };

// How a field of a message is read. Values that are not named here leave it as it is, and are kept
// as JSON.
struct Field {
  // Reads a scalar that is no null. Null for a field that takes none.
  Reading (*read)(const JsonScalar& value, google::protobuf::Message& message) = nullptr;
  // Gives the message for an object, or for the next element of a list: a message, or a Struct.
  // Null for a field that takes neither.
  google::protobuf::Message& (*open)(google::protobuf::Message& message) = nullptr;
  JsonContainer container = JsonContainer::kObject;
  // The members of what `open` gives. None if it is a Struct.
  Members members;
};

// The members of a product application. What is not among them, nor among those of their fields,
// has no field in the contract.
Members ApplicationMembers();

}  // namespace gateway

#endif  // SERVICE_PASSFORT_MAPPING_APPLICATION_MEMBERS_H_
