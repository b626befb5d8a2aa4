#include "tests/fake_passfort/answer.h"

#include <algorithm>
#include <array>
#include <boost/beast/http/status.hpp>
#include <cctype>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>

#include "tests/fake_passfort/application_json.h"

namespace gateway {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kChunkBytes = 512;

void RemoveAt(Json& json, const Json::json_pointer& pointer) {
  if (!json.contains(pointer)) return;
  Json& parent = json[pointer.parent_pointer()];
  if (parent.is_object()) {
    parent.erase(pointer.back());
  } else {
    parent.erase(std::stoul(pointer.back()));
  }
}

void UpperCaseIds(Json& json) {
  for (auto& [name, value] : json.items()) {
    if (value.is_structured()) UpperCaseIds(value);
    if (name != "id" || !value.is_string()) continue;
    std::string id = value.get<std::string>();
    for (char& c : id) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    value = id;
  }
}

void EditItem(Json& item, const AnswerScript& script) {
  for (const auto& [pointer, value] : script.set) {
    try {
      item[Json::json_pointer(pointer)] = Json::parse(value);
    } catch (const Json::exception&) {
      // The path leads through a value that has no members: an answer of another shape, an error
      // for example, keeps what it has.
    }
  }
  for (const std::string& pointer : script.remove) RemoveAt(item, Json::json_pointer(pointer));
}

bool IsCalled(std::string_view name, std::string_view lower_name) {
  return LowerCase(name) == lower_name;
}

bool Scripted(const AnswerScript& script, std::string_view lower_name) {
  return std::ranges::any_of(script.headers, [lower_name](const auto& header) {
    return IsCalled(header.first, lower_name);
  });
}

std::string Chunked(std::string_view body) {
  std::string chunks;
  while (!body.empty()) {
    const std::string_view chunk = body.substr(0, kChunkBytes);
    std::array<char, 16> size;
    std::snprintf(size.data(), size.size(), "%zx\r\n", chunk.size());
    chunks.append(size.data()).append(chunk).append("\r\n");
    body.remove_prefix(chunk.size());
  }
  return chunks.append("0\r\n\r\n");
}

std::string_view ContentType(std::string_view body) {
  const bool is_json = body.starts_with('{') || body.starts_with('[');
  return is_json ? "application/json" : "text/html";
}

}  // namespace

GivenAnswer NotExecutedAnswer(const AnswerScript& script) {
  const int status = script.status == 0 ? 503 : script.status;
  const std::string title = std::to_string(status) + " " +
                            std::string(boost::beast::http::obsolete_reason(
                                boost::beast::http::int_to_status(static_cast<unsigned>(status))));
  return {status, "<html><head><title>" + title + "</title></head><body><h1>" + title +
                      "</h1></body></html>\n"};
}

GivenAnswer Edited(GivenAnswer ordinary, const AnswerScript& script) {
  if (script.status != 0) ordinary.status = script.status;
  if (script.body) ordinary.body = *script.body;
  if (!script.set.empty() || !script.remove.empty() || script.upper_case_ids) {
    Json json = Json::parse(ordinary.body, nullptr, /*allow_exceptions=*/false);
    if (json.is_array()) {
      for (Json& item : json) EditItem(item, script);
    } else if (json.is_object()) {
      EditItem(json, script);
    }
    if (script.upper_case_ids && json.is_structured()) UpperCaseIds(json);
    if (!json.is_discarded()) ordinary.body = Text(json);
  }
  if (ordinary.body.size() < script.pad_to) ordinary.body.resize(script.pad_to, ' ');
  return ordinary;
}

WireAnswer OnWire(const GivenAnswer& answer, const AnswerScript& script, Connection connection) {
  using Framing = AnswerScript::Framing;
  WireAnswer wire;
  if (!script.raw.empty()) {
    wire.head = script.raw;
    wire.is_cut = true;
    return wire;
  }
  wire.status = answer.status;
  wire.body = script.framing == Framing::kChunked ? Chunked(answer.body) : answer.body;
  wire.ends_with_connection =
      connection == Connection::kClosed || script.framing == Framing::kConnectionClose;

  const auto reason = boost::beast::http::obsolete_reason(
      boost::beast::http::int_to_status(static_cast<unsigned>(answer.status)));
  wire.head = "HTTP/1.1 " + std::to_string(answer.status) + " " + std::string(reason) + "\r\n";
  const auto header = [&wire](std::string_view name, std::string_view value) {
    wire.head.append(name).append(": ").append(value).append("\r\n");
  };
  if (!Scripted(script, "content-type")) header("Content-Type", ContentType(answer.body));
  for (const auto& [name, value] : script.headers) header(name, value);
  if (script.framing == Framing::kChunked) header("Transfer-Encoding", "chunked");
  if (script.framing == Framing::kContentLength && !Scripted(script, "content-length")) {
    header("Content-Length", std::to_string(wire.body.size()));
  }
  if (wire.ends_with_connection) header("Connection", "close");
  wire.head.append("\r\n");

  if (script.cut_after && *script.cut_after < wire.body.size()) {
    wire.body.resize(*script.cut_after);
    wire.is_cut = true;
  }
  return wire;
}

}  // namespace gateway
