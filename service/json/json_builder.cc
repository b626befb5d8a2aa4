#include "service/json/json_builder.h"

#include <string>

#include "service/json/json_reader.h"

namespace gateway {
namespace {

using nlohmann::json;

class ScalarToJson {
 public:
  template <typename Value>
  json operator()(Value value) const {
    return value;
  }
  json operator()(NumberText number) const {
    return json::binary({number.digits.begin(), number.digits.end()});
  }
  json operator()(OddString string) const { return Odd(string.text, kOddStringSubtype); }
  json operator()(OddWord word) const { return Odd(word.text, kOddWordSubtype); }

 private:
  static json Odd(std::string_view text, json::binary_t::subtype_type subtype) {
    return json::binary({text.begin(), text.end()}, subtype);
  }
};

}  // namespace

bool JsonBuilder::OnScalar(const JsonScalar& value) {
  Add(std::visit(ScalarToJson(), value));
  return true;
}

bool JsonBuilder::OnOpen(JsonContainer kind) {
  open_.push_back(Add(kind == JsonContainer::kObject ? json::object() : json::array()));
  return true;
}

bool JsonBuilder::OnKey(std::string_view name) {
  // A duplicate key again starts afresh, whatever the first one held.
  member_ = &open_.back()->get_ref<json::object_t&>()[std::string(name)];
  return true;
}

bool JsonBuilder::OnClose() {
  open_.pop_back();
  return true;
}

json* JsonBuilder::Add(json value) {
  if (open_.empty()) {
    root_ = std::move(value);
    return &root_;
  }
  if (open_.back()->is_array()) {
    return &open_.back()->get_ref<json::array_t&>().emplace_back(std::move(value));
  }
  *member_ = std::move(value);
  return member_;
}

}  // namespace gateway
