#include "service/passfort/json_reader.h"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"

namespace gateway {
namespace {

using nlohmann::json;

// True if `digits` is an integer (no fraction, no exponent) that `nearest`, the double next to it,
// changes.
bool IsChangedInteger(const std::string& digits, double nearest) {
  return digits.find_first_of(".eE") == std::string::npos &&
         absl::StrFormat("%.0f", nearest) != digits;
}

// Builds a json from nlohmann's parse events, which stop as soon as one of them returns false.
class JsonBuilder {
 public:
  json TakeResult() { return std::move(root_); }

  // The names and signatures are nlohmann's SAX interface.
  bool null() { return Add(nullptr) != nullptr; }
  bool boolean(bool value) { return Add(value) != nullptr; }
  bool number_integer(json::number_integer_t value) { return Add(value) != nullptr; }
  bool number_unsigned(json::number_unsigned_t value) { return Add(value) != nullptr; }
  bool number_float(json::number_float_t value, const std::string& digits) {
    if (IsChangedInteger(digits, value)) {
      return Add(json::binary(json::binary_t::container_type(digits.begin(), digits.end()))) !=
             nullptr;
    }
    return Add(value) != nullptr;
  }
  // Copied, not moved: the parser fills the same buffer again for the next string.
  bool string(const std::string& value) { return Add(value) != nullptr; }
  bool binary(const json::binary_t&) { return false; }
  bool start_object(size_t) { return Open(json::value_t::object); }
  bool key(const std::string& name) {
    // An equal name again starts afresh, whatever the first one held.
    member_ = &open_.back()->get_ref<json::object_t&>()[name];
    return true;
  }
  bool end_object() { return Close(); }
  bool start_array(size_t) { return Open(json::value_t::array); }
  bool end_array() { return Close(); }
  bool parse_error(size_t, const std::string&, const json::exception&) { return false; }

 private:
  template <typename Value>
  json* Add(Value&& value) {
    if (open_.empty()) {
      root_ = json(std::forward<Value>(value));
      return &root_;
    }
    if (open_.back()->is_array()) {
      return &open_.back()->get_ref<json::array_t&>().emplace_back(std::forward<Value>(value));
    }
    *member_ = json(std::forward<Value>(value));
    return member_;
  }

  bool Open(json::value_t kind) {
    if (open_.size() == kMaxJsonDepth) {
      return false;
    }
    open_.push_back(Add(kind));
    return true;
  }

  bool Close() {
    open_.pop_back();
    return true;
  }

  json root_;
  // The arrays and objects around the next value, outermost first. An array grows only while it is
  // the last one here, so no pointer goes stale.
  std::vector<json*> open_;
  // Where the next value goes if the innermost is an object.
  json* member_ = nullptr;
};

void AppendJson(const json& value, std::string& text) {
  switch (value.type()) {
    case json::value_t::object: {
      char before = '{';
      for (const auto& [name, member] : value.get_ref<const json::object_t&>()) {
        text += before;
        text += json(name).dump();
        text += ':';
        AppendJson(member, text);
        before = ',';
      }
      text += before == '{' ? "{}" : "}";
      return;
    }
    case json::value_t::array: {
      char before = '[';
      for (const json& element : value.get_ref<const json::array_t&>()) {
        text += before;
        AppendJson(element, text);
        before = ',';
      }
      text += before == '[' ? "[]" : "]";
      return;
    }
    case json::value_t::binary:
      text.append(value.get_binary().begin(), value.get_binary().end());
      return;
    default:
      text += value.dump();
  }
}

}  // namespace

std::optional<json> ReadJson(std::string_view text) {
  // nlohmann takes a zero byte for the end of the text, and whatever follows it would be accepted.
  if (text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  JsonBuilder builder;
  if (!json::sax_parse(text.data(), text.data() + text.size(), &builder)) {
    return std::nullopt;
  }
  return builder.TakeResult();
}

std::string WriteJson(const json& value) {
  std::string text;
  AppendJson(value, text);
  return text;
}

}  // namespace gateway
