#ifndef SERVICE_PASSFORT_MAPPING_RESOURCE_READER_H_
#define SERVICE_PASSFORT_MAPPING_RESOURCE_READER_H_

#include <google/protobuf/message.h>
#include <google/protobuf/struct.pb.h>

#include <bitset>
#include <cstddef>
#include <string_view>
#include <vector>

#include "service/json/json_sax.h"
#include "service/json/struct_json.h"
#include "service/passfort/mapping/etag_builder.h"
#include "service/passfort/mapping/resource_members.h"

namespace gateway {

// Fills a resource, or a list of resources, from the events of its JSON. What the typed fields
// would not print back as the same value goes to the `unmapped` of the innermost resource as well.
//
// Stops where the JSON is no object, or no list of objects, and at the second of two members with
// one name: the first has left its traces, and does not count.
class ResourceReader final : public JsonSaxHandler {
 public:
  // Reads an object. `message` is empty, and outlives the reader.
  ResourceReader(const Resource& type, google::protobuf::Message& message)
      : message_(&message), type_(&type) {}
  // Reads a list into the field `list` of resources. Likewise.
  ResourceReader(const Field& list, google::protobuf::Message& message)
      : message_(&message), list_(&list) {}

  bool found_duplicate_keys() const { return found_duplicate_keys_; }

  bool OnScalar(const JsonScalar& value) override;
  bool OnOpen(JsonContainer kind) override;
  bool OnKey(std::string_view name) override;
  bool OnClose() override;

 private:
  // An object or a list that has a field of its own.
  struct Frame {
    // Of an object: its message. Of a list: the message that has it.
    google::protobuf::Message* message = nullptr;
    // Set for a list.
    const Field* list = nullptr;
    // The index of a list's last element.
    int index = -1;
    // Of an object.
    Members members{};
    // Set for an object that is one.
    const Resource* resource = nullptr;
    // Where the resource is that this object or list belongs to.
    size_t root = 0;
    // Those of `members` that were there.
    std::bitset<kMaxMembers> seen;
    // The one that is read; null if the member is none of them.
    const Member* member = nullptr;
    // What `unmapped` has of this object or list. Null until there is something to keep, so a
    // response without surprises leaves `unmapped` unset.
    google::protobuf::Struct* kept = nullptr;
  };

  bool OpenRoot(JsonContainer kind);
  bool OpenElement(JsonContainer kind);
  void OpenMember(JsonContainer kind);
  void PushResource(const Resource& type, google::protobuf::Message& message);
  // Whether the value that comes is an item of the list that is read.
  bool IsInRootList() const { return list_ != nullptr && frames_.size() == 1; }
  // How far the next value is below the resource it belongs to.
  int Level() const { return static_cast<int>(frames_.size() - frames_.back().root); }
  void Keep(const JsonScalar& value);
  void Keep(JsonContainer kind);

  // Where in `unmapped` the value goes that is read at frame `depth`.
  google::protobuf::Value& KeptValue(size_t depth);
  // What `unmapped` has of that frame.
  google::protobuf::Struct& Kept(size_t depth);

  google::protobuf::Message* const message_;
  // One of the two is set.
  const Resource* const type_ = nullptr;
  const Field* const list_ = nullptr;
  // The outermost first.
  std::vector<Frame> frames_;
  // Where the value of a member goes that has no field.
  google::protobuf::Value* unknown_ = nullptr;
  // Open while an object or list is read that goes to a Struct as a whole.
  StructBuilder structs_;
  bool found_duplicate_keys_ = false;
  // Of the resource that is read, if it has one.
  EtagBuilder etag_;
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_MAPPING_RESOURCE_READER_H_
