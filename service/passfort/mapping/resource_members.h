#ifndef SERVICE_PASSFORT_MAPPING_RESOURCE_MEMBERS_H_
#define SERVICE_PASSFORT_MAPPING_RESOURCE_MEMBERS_H_

#include <google/protobuf/message.h>
#include <google/protobuf/struct.pb.h>

#include <span>
#include <string>
#include <string_view>

#include "service/json/json_sax.h"

namespace gateway {

struct Field;
struct Resource;

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
  // The members of what `open` gives. None if it is a Struct or a resource.
  Members members{};
  // Set for a list of resources: objects with an `unmapped` of their own.
  const Resource* resource = nullptr;
};

// An object whose message has an `unmapped`. What is not among its members, nor among those of
// their fields, has no field in the contract.
struct Resource {
  Members members;
  google::protobuf::Struct& (*unmapped)(google::protobuf::Message& message);
  // Null: it has none.
  std::string& (*etag)(google::protobuf::Message& message) = nullptr;
};

const Resource& ApplicationResource();
const Resource& ProfileResource();
// The `product_applications` of a ListProductApplicationsResponse.
const Field& ApplicationListField();

}  // namespace gateway

#endif  // SERVICE_PASSFORT_MAPPING_RESOURCE_MEMBERS_H_
