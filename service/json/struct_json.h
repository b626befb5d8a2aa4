#ifndef SERVICE_JSON_STRUCT_JSON_H_
#define SERVICE_JSON_STRUCT_JSON_H_

#include <google/protobuf/struct.pb.h>

#include <memory>
#include <string_view>
#include <vector>

#include "service/json/json_sax.h"

namespace gateway {

class JsonBuilder;

// JSON as google.protobuf.Struct.
//
// A Struct's numbers are doubles and its strings UTF-8, so a NumberText, an OddString and an
// OddWord become strings of their text. Clients' protobuf parsers stop at 100 nested messages, and
// a Struct takes three for each JSON level, so an object or list more than kMaxStructLevels below
// the Struct becomes a string of its JSON text.
inline constexpr int kMaxStructLevels = 24;

// The value of a new member. Null if `object` has a member of that name.
google::protobuf::Value* AddMember(google::protobuf::Struct& object, std::string_view name);

// Fills an empty `value`.
void SetValue(const JsonScalar& scalar, google::protobuf::Value& value);

// Fills Structs and Values from the events of JSON objects and lists, one after another: first one
// of the two functions that begin, then what comes until it is closed.
class StructBuilder {
 public:
  StructBuilder();
  ~StructBuilder();

  // Begins an object, which fills the empty `object`.
  void BeginStruct(google::protobuf::Struct& object);
  // Begins an object or a list, which fills the empty `value`. That one is `level` levels below its
  // Struct: 1 for the Struct's own members.
  void BeginValue(JsonContainer kind, google::protobuf::Value& value, int level);

  // True until what was begun is closed.
  bool is_open() const { return depth_ > 0; }

  // The events inside.
  void OnScalar(const JsonScalar& scalar);
  void OnOpen(JsonContainer kind);
  // False if the object has a member of that name already; what was built is of no use then. Also
  // in an object that becomes a part of a string.
  bool OnKey(std::string_view name);
  void OnClose();

 private:
  // One of the two is set.
  struct Container {
    google::protobuf::Struct* object = nullptr;
    google::protobuf::ListValue* list = nullptr;
  };

  google::protobuf::Value& NextValue();
  void Enter(JsonContainer kind, google::protobuf::Value& value);

  // The objects and lists around the next value that stay what they are, outermost first.
  std::vector<Container> open_;
  // How far the outermost is below its Struct.
  int first_level_ = 0;
  // All that are open, those inside of `subtree_` too.
  size_t depth_ = 0;
  // Where the next value goes if the innermost is an object.
  google::protobuf::Value* member_ = nullptr;
  // Set inside an object or list that becomes a string, with the value that gets it.
  std::unique_ptr<JsonBuilder> subtree_;
  google::protobuf::Value* subtree_value_ = nullptr;
};

}  // namespace gateway

#endif  // SERVICE_JSON_STRUCT_JSON_H_
