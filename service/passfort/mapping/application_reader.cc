#include "service/passfort/mapping/application_reader.h"

#include <algorithm>
#include <string>

namespace gateway {

using google::protobuf::Message;
using google::protobuf::Struct;
using google::protobuf::Value;

bool ApplicationReader::OnScalar(const JsonScalar& value) {
  if (structs_.is_open()) {
    structs_.OnScalar(value);
    return true;
  }
  if (frames_.empty()) {
    return false;
  }
  Frame& frame = frames_.back();
  if (frame.list != nullptr) {
    // No object: the message that stands for it stays empty.
    frame.list->open(*frame.message);
    ++frame.index;
    Keep(value);
    return true;
  }
  if (frame.member == nullptr) {
    SetValue(value, *unknown_);
    return true;
  }
  // Null, absent and default are the same to the typed side.
  if (std::holds_alternative<std::nullptr_t>(value)) {
    return true;
  }
  const Field& field = frame.member->field;
  if (field.read == nullptr || field.read(value, *frame.message) == Reading::kKeepJson) {
    Keep(value);
  }
  return true;
}

bool ApplicationReader::OnOpen(JsonContainer kind, size_t /*begin*/) {
  if (structs_.is_open()) {
    structs_.OnOpen(kind);
  } else if (frames_.empty()) {
    if (kind != JsonContainer::kObject) return false;
    frames_.push_back({.message = application_, .members = ApplicationMembers()});
  } else if (frames_.back().list != nullptr) {
    OpenElement(kind);
  } else {
    OpenMember(kind);
  }
  return true;
}

bool ApplicationReader::OnKey(std::string_view name) {
  if (structs_.is_open()) {
    found_equal_names_ = !structs_.OnKey(name);
    return !found_equal_names_;
  }
  Frame& frame = frames_.back();
  const auto found = std::ranges::find(frame.members, name, &Member::name);
  if (found == frame.members.end()) {
    frame.member = nullptr;
    unknown_ = AddMember(Kept(frames_.size() - 1), name);
    found_equal_names_ = unknown_ == nullptr;
  } else {
    frame.member = &*found;
    const auto index = static_cast<size_t>(found - frame.members.begin());
    found_equal_names_ = frame.seen[index];
    frame.seen[index] = true;
  }
  return !found_equal_names_;
}

bool ApplicationReader::OnClose(size_t /*end*/) {
  if (structs_.is_open()) {
    structs_.OnClose();
  } else {
    frames_.pop_back();
  }
  return true;
}

void ApplicationReader::OpenElement(JsonContainer kind) {
  Frame& list = frames_.back();
  Message& element = list.list->open(*list.message);
  ++list.index;
  if (kind != JsonContainer::kObject) {
    Keep(kind);
  } else if (list.list->members.empty()) {
    structs_.BeginStruct(static_cast<Struct&>(element));
  } else {
    frames_.push_back({.message = &element, .members = list.list->members});
  }
}

void ApplicationReader::OpenMember(JsonContainer kind) {
  const Frame& object = frames_.back();
  if (object.member == nullptr) {
    structs_.BeginValue(kind, *unknown_, static_cast<int>(frames_.size()));
    return;
  }
  const Field& field = object.member->field;
  if (field.open == nullptr || field.container != kind) {
    Keep(kind);
  } else if (kind == JsonContainer::kList) {
    frames_.push_back({.message = object.message, .list = &field});
  } else {
    frames_.push_back({.message = &field.open(*object.message), .members = field.members});
  }
}

void ApplicationReader::Keep(const JsonScalar& value) {
  SetValue(value, KeptValue(frames_.size() - 1));
}

// `unmapped` has an object for each frame, so what is inside of the innermost is as many levels
// down as there are frames.
void ApplicationReader::Keep(JsonContainer kind) {
  structs_.BeginValue(kind, KeptValue(frames_.size() - 1), static_cast<int>(frames_.size()));
}

Value& ApplicationReader::KeptValue(size_t depth) {
  const Frame& frame = frames_[depth];
  auto& fields = *Kept(depth).mutable_fields();
  return frame.list == nullptr ? fields[std::string(frame.member->name)]
                               : fields[std::to_string(frame.index)];
}

Struct& ApplicationReader::Kept(size_t depth) {
  Frame& frame = frames_[depth];
  if (frame.kept == nullptr) {
    frame.kept =
        depth == 0 ? application_->mutable_unmapped() : KeptValue(depth - 1).mutable_struct_value();
  }
  return *frame.kept;
}

}  // namespace gateway
