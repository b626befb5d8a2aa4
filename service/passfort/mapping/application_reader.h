#ifndef SERVICE_PASSFORT_MAPPING_APPLICATION_READER_H_
#define SERVICE_PASSFORT_MAPPING_APPLICATION_READER_H_

#include <google/protobuf/message.h>
#include <google/protobuf/struct.pb.h>

#include <bitset>
#include <cstddef>
#include <string_view>
#include <vector>

#include "passfort/gateway/v1/product_application.pb.h"
#include "service/json/json_sax.h"
#include "service/json/struct_json.h"
#include "service/passfort/mapping/application_members.h"

namespace gateway {

namespace pb = ::passfort::gateway::v1;

// Fills a product application from the events of its JSON object. What the typed fields would not
// print back as the same value goes to `unmapped` as well.
//
// Stops at anything but an object where an application begins, and at the second of two members
// with one name: the first has left its traces, and does not count.
class ApplicationReader final : public JsonSaxHandler {
 public:
  // `application` is empty, and outlives the reader.
  explicit ApplicationReader(pb::ProductApplication& application) : application_(&application) {}

  bool found_duplicate_keys() const { return found_equal_names_; }

  bool OnScalar(const JsonScalar& value) override;
  bool OnOpen(JsonContainer kind, size_t begin) override;
  bool OnKey(std::string_view name) override;
  bool OnClose(size_t end) override;

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
    Members members;
    // Those of `members` that were there.
    std::bitset<kMaxMembers> seen;
    // The one that is read; null if the member is none of them.
    const Member* member = nullptr;
    // What `unmapped` has of this object or list. Null until there is something to keep, so a
    // response without surprises leaves `unmapped` unset.
    google::protobuf::Struct* kept = nullptr;
  };

  void OpenElement(JsonContainer kind);
  void OpenMember(JsonContainer kind);
  void Keep(const JsonScalar& value);
  void Keep(JsonContainer kind);

  // Where in `unmapped` the value goes that is read at frame `depth`.
  google::protobuf::Value& KeptValue(size_t depth);
  // What `unmapped` has of that frame.
  google::protobuf::Struct& Kept(size_t depth);

  pb::ProductApplication* application_;
  // The application itself first, the innermost last.
  std::vector<Frame> frames_;
  // Where the value of a member goes that has no field.
  google::protobuf::Value* unknown_ = nullptr;
  // Open while an object or list is read that goes to a Struct as a whole.
  StructBuilder structs_;
  bool found_equal_names_ = false;
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_MAPPING_APPLICATION_READER_H_
