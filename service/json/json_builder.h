#ifndef SERVICE_JSON_JSON_BUILDER_H_
#define SERVICE_JSON_JSON_BUILDER_H_

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "service/json/json_sax.h"

namespace gateway {

// Builds the json that the events of one JSON value tell. ReadJson says how it holds what JSON for
// C++ has no type for, and members with duplicate keys.
class JsonBuilder final : public JsonSaxHandler {
 public:
  bool OnScalar(const JsonScalar& value) override;
  bool OnOpen(JsonContainer kind) override;
  bool OnKey(std::string_view name) override;
  bool OnClose() override;

  // Whether the innermost object has it.
  bool HasMember(std::string_view name) const { return open_.back()->contains(name); }

  // Once, when the value is whole.
  nlohmann::json TakeResult() { return std::move(root_); }

 private:
  nlohmann::json* Add(nlohmann::json value);

  nlohmann::json root_;
  // The arrays and objects around the next value, outermost first. An array grows only while it is
  // the last one here, so no pointer goes stale.
  std::vector<nlohmann::json*> open_;
  // Where the next value goes if the innermost is an object.
  nlohmann::json* member_ = nullptr;
};

}  // namespace gateway

#endif  // SERVICE_JSON_JSON_BUILDER_H_
