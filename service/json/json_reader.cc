#include "service/json/json_reader.h"

#include <charconv>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "service/json/json_builder.h"

namespace gateway {
namespace {

using nlohmann::json;

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
    case json::value_t::binary: {
      const std::string kept(value.get_binary().begin(), value.get_binary().end());
      text += value.get_binary().has_subtype() ? json(kept).dump() : kept;
      return;
    }
    case json::value_t::number_float: {
      // The shortest form, which reads as it was; nlohmann writes 9.999999999999999e+22 for 1e23.
      char shortest[32];
      const auto end = std::to_chars(std::begin(shortest), std::end(shortest), value.get<double>());
      text.append(std::begin(shortest), end.ptr);
      return;
    }
    default:
      text += value.dump();
  }
}

}  // namespace

std::optional<json> ReadJson(std::string_view text, size_t max_values) {
  JsonBuilder builder;
  if (ParseJson(text, builder, max_values) != JsonEnd::kWhole) {
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
