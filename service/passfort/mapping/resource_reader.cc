#include "service/passfort/mapping/resource_reader.h"

#include <algorithm>
#include <string>

namespace gateway {

using google::protobuf::Message;
using google::protobuf::Struct;
using google::protobuf::Value;

bool ResourceReader::OnScalar(const JsonScalar& value) {
  if (etag_.is_open()) etag_.OnScalar(value);
  if (structs_.is_open()) {
    structs_.OnScalar(value);
    return true;
  }
  if (frames_.empty() || IsInRootList()) {
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

bool ResourceReader::OnOpen(JsonContainer kind) {
  if (etag_.is_open()) etag_.OnOpen(kind);
  if (structs_.is_open()) {
    structs_.OnOpen(kind);
    return true;
  }
  if (frames_.empty()) return OpenRoot(kind);
  if (frames_.back().list != nullptr) return OpenElement(kind);
  OpenMember(kind);
  return true;
}

bool ResourceReader::OnKey(std::string_view name) {
  if (etag_.is_open()) etag_.OnKey(name);
  if (structs_.is_open()) {
    found_duplicate_keys_ = !structs_.OnKey(name);
    return !found_duplicate_keys_;
  }
  Frame& frame = frames_.back();
  const auto found = std::ranges::find(frame.members, name, &Member::name);
  if (found == frame.members.end()) {
    frame.member = nullptr;
    unknown_ = AddMember(Kept(frames_.size() - 1), name);
    found_duplicate_keys_ = unknown_ == nullptr;
  } else {
    frame.member = &*found;
    const auto index = static_cast<size_t>(found - frame.members.begin());
    found_duplicate_keys_ = frame.seen[index];
    frame.seen[index] = true;
  }
  return !found_duplicate_keys_;
}

bool ResourceReader::OnClose() {
  const bool ends_etag = etag_.is_open() && etag_.OnClose();
  if (structs_.is_open()) {
    structs_.OnClose();
    return true;
  }
  if (ends_etag) frames_.back().resource->etag(*frames_.back().message) = etag_.TakeEtag();
  frames_.pop_back();
  return true;
}

bool ResourceReader::OpenRoot(JsonContainer kind) {
  if (kind != (list_ == nullptr ? JsonContainer::kObject : JsonContainer::kList)) return false;
  if (list_ == nullptr) {
    PushResource(*type_, *message_);
  } else {
    frames_.push_back({.message = message_, .list = list_});
  }
  return true;
}

void ResourceReader::PushResource(const Resource& type, Message& message) {
  if (type.etag != nullptr) etag_.OnOpen(JsonContainer::kObject);
  frames_.push_back(
      {.message = &message, .members = type.members, .resource = &type, .root = frames_.size()});
}

bool ResourceReader::OpenElement(JsonContainer kind) {
  if (IsInRootList() && kind != JsonContainer::kObject) return false;
  Frame& list = frames_.back();
  const Field& field = *list.list;
  Message& element = field.open(*list.message);
  ++list.index;
  if (kind != JsonContainer::kObject) {
    Keep(kind);
  } else if (field.resource != nullptr) {
    PushResource(*field.resource, element);
  } else if (field.members.empty()) {
    structs_.BeginStruct(static_cast<Struct&>(element));
  } else {
    frames_.push_back({.message = &element, .members = field.members, .root = list.root});
  }
  return true;
}

void ResourceReader::OpenMember(JsonContainer kind) {
  const Frame& object = frames_.back();
  if (object.member == nullptr) {
    structs_.BeginValue(kind, *unknown_, Level());
    return;
  }
  const Field& field = object.member->field;
  if (field.open == nullptr || field.container != kind) {
    Keep(kind);
  } else if (kind == JsonContainer::kList) {
    frames_.push_back({.message = object.message, .list = &field, .root = object.root});
  } else if (field.members.empty()) {
    structs_.BeginStruct(static_cast<Struct&>(field.open(*object.message)));
  } else {
    frames_.push_back(
        {.message = &field.open(*object.message), .members = field.members, .root = object.root});
  }
}

void ResourceReader::Keep(const JsonScalar& value) {
  SetValue(value, KeptValue(frames_.size() - 1));
}

// `unmapped` has an object for each frame, so what is inside of the innermost is as many levels
// down as there are frames from its resource on.
void ResourceReader::Keep(JsonContainer kind) {
  structs_.BeginValue(kind, KeptValue(frames_.size() - 1), Level());
}

Value& ResourceReader::KeptValue(size_t depth) {
  const Frame& frame = frames_[depth];
  auto& fields = *Kept(depth).mutable_fields();
  return frame.list == nullptr ? fields[std::string(frame.member->name)]
                               : fields[std::to_string(frame.index)];
}

Struct& ResourceReader::Kept(size_t depth) {
  Frame& frame = frames_[depth];
  if (frame.kept == nullptr) {
    frame.kept = frame.resource != nullptr ? &frame.resource->unmapped(*frame.message)
                                           : KeptValue(depth - 1).mutable_struct_value();
  }
  return *frame.kept;
}

}  // namespace gateway
