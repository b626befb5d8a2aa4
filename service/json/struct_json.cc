#include "service/json/struct_json.h"

#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/json/json_builder.h"
#include "service/json/json_number.h"
#include "service/json/json_reader.h"

namespace gateway {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

struct ScalarSetter {
  Value& value;

  void operator()(std::nullptr_t) const { value.set_null_value(google::protobuf::NULL_VALUE); }
  void operator()(bool truth) const { value.set_bool_value(truth); }
  void operator()(double number) const { value.set_number_value(number); }
  void operator()(NumberText number) const { (*this)(number.digits); }
  void operator()(OddString string) const { (*this)(string.text); }
  void operator()(OddWord word) const { (*this)(word.text); }
  void operator()(std::string_view text) const { value.mutable_string_value()->assign(text); }

  // An int64 or a uint64.
  template <typename Integer>
  void operator()(Integer integer) const {
    // Every double up to here prints as the integer that it is.
    constexpr double kSafeInteger = 9007199254740992;
    const auto nearest = static_cast<double>(integer);
    if (std::abs(nearest) < kSafeInteger) return value.set_number_value(nearest);
    std::string digits = absl::StrCat(integer);
    if (const std::optional<double> number = DoubleOfInteger(digits)) {
      value.set_number_value(*number);
    } else {
      value.set_string_value(std::move(digits));
    }
  }
};

}  // namespace

Value* AddMember(Struct& object, std::string_view name) {
  auto& fields = *object.mutable_fields();
  const size_t before = fields.size();
  Value& value = fields[std::string(name)];
  return fields.size() > before ? &value : nullptr;
}

void SetValue(const JsonScalar& scalar, Value& value) { std::visit(ScalarSetter{value}, scalar); }

StructBuilder::StructBuilder() = default;
StructBuilder::~StructBuilder() = default;

void StructBuilder::BeginStruct(Struct& object) {
  first_level_ = 0;
  open_.push_back({.object = &object});
  depth_ = 1;
}

void StructBuilder::BeginValue(JsonContainer kind, Value& value, int level) {
  first_level_ = level;
  Enter(kind, value);
}

void StructBuilder::OnScalar(const JsonScalar& scalar) {
  if (subtree_) {
    subtree_->OnScalar(scalar);
  } else {
    SetValue(scalar, NextValue());
  }
}

void StructBuilder::OnOpen(JsonContainer kind) {
  if (subtree_) {
    ++depth_;
    subtree_->OnOpen(kind);
  } else {
    Enter(kind, NextValue());
  }
}

bool StructBuilder::OnKey(std::string_view name) {
  if (subtree_) {
    return !subtree_->HasMember(name) && subtree_->OnKey(name);
  }
  member_ = AddMember(*open_.back().object, name);
  return member_ != nullptr;
}

void StructBuilder::OnClose() {
  --depth_;
  if (!subtree_) {
    open_.pop_back();
    return;
  }
  subtree_->OnClose();
  if (depth_ == open_.size()) {
    subtree_value_->set_string_value(WriteJson(subtree_->TakeResult()));
    subtree_.reset();
  }
}

Value& StructBuilder::NextValue() {
  const Container& innermost = open_.back();
  return innermost.list == nullptr ? *member_ : *innermost.list->add_values();
}

void StructBuilder::Enter(JsonContainer kind, Value& value) {
  ++depth_;
  const int level = first_level_ + static_cast<int>(open_.size());
  if (level > kMaxStructLevels) {
    subtree_ = std::make_unique<JsonBuilder>();
    subtree_->OnOpen(kind);
    subtree_value_ = &value;
  } else if (kind == JsonContainer::kObject) {
    open_.push_back({.object = value.mutable_struct_value()});
  } else {
    open_.push_back({.list = value.mutable_list_value()});
  }
}

}  // namespace gateway
