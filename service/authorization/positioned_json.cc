#include "service/authorization/positioned_json.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "service/authorization/message_text.h"

namespace gateway {
namespace {

struct Place {
  size_t line = 1;
  size_t column = 1;
};

// Every byte but those that continue a character of UTF-8.
bool BeginsCharacter(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }

Place PlaceOf(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const size_t line_begin = before.rfind('\n') + 1;  // 0 in the first line
  return {.line = 1 + static_cast<size_t>(std::ranges::count(before, '\n')),
          .column = 1 + static_cast<size_t>(
                            std::ranges::count_if(before.substr(line_begin), BeginsCharacter))};
}

absl::Status Error(std::string_view text, size_t offset, std::string_view what) {
  const Place place = PlaceOf(text, offset);
  return absl::InvalidArgumentError(
      MessageText("line ", place.line, ", column ", place.column, ": ", what));
}

// Follows a parser through the text, token by token.
class TokenPlaces {
 public:
  explicit TokenPlaces(std::string_view text) : text_(text) {}

  // Where the token after the last one begins; the end of the text if there is none.
  size_t NextBegin() const {
    return std::min(text_.find_first_not_of(" \t\r\n,:", end_), text_.size());
  }

  // Moves behind the next token, which is well-formed. Returns where it begins.
  size_t Take() {
    const size_t begin = NextBegin();
    end_ = EndOf(begin);
    return begin;
  }

  std::string_view From(size_t begin) const { return text_.substr(begin, end_ - begin); }

  size_t EndOf(size_t begin) const {
    if (begin == text_.size()) return begin;
    if (text_[begin] == '"') return EndOfString(begin);
    constexpr std::string_view kWord = "abcdefghijklmnopqrstuvwxyzE0123456789+-.";
    const size_t end = std::min(text_.find_first_not_of(kWord, begin), text_.size());
    return std::max(end, begin + 1);  // a bracket
  }

 private:
  size_t EndOfString(size_t begin) const {
    size_t at = begin + 1;
    while (at < text_.size() && text_[at] != '"') at += text_[at] == '\\' ? 2 : 1;
    return std::min(at + 1, text_.size());
  }

  const std::string_view text_;
  size_t end_ = 0;  // of the last token
};

// Builds the tree from nlohmann's events. Its functions have the names that nlohmann wants, and
// return false to stop the parser.
class TreeBuilder {
 public:
  TreeBuilder(std::string_view text, JsonNode& root) : text_(text), places_(text), root_(root) {}

  // NOLINTBEGIN(readability-identifier-naming)
  bool null() { return Add(JsonNode::Kind::kNull) != nullptr; }
  bool boolean(bool value) {
    JsonNode* const node = Add(JsonNode::Kind::kBoolean);
    node->boolean = value;
    return true;
  }
  bool number_integer(int64_t /*value*/) { return AddNumber(); }
  bool number_unsigned(uint64_t /*value*/) { return AddNumber(); }
  bool number_float(double /*value*/, const std::string& /*digits*/) { return AddNumber(); }
  bool string(std::string& value) {
    JsonNode* const node = Add(JsonNode::Kind::kString);
    node->text = std::move(value);
    return true;
  }
  bool binary(nlohmann::json::binary_t& /*value*/) { return false; }  // not in a text
  bool start_object(size_t /*size*/) { return Open(JsonNode::Kind::kObject); }
  bool end_object() { return Close(); }
  bool start_array(size_t /*size*/) { return Open(JsonNode::Kind::kList); }
  bool end_array() { return Close(); }
  bool key(std::string& name);
  bool parse_error(size_t bytes_read, const std::string& last_token,
                   const nlohmann::json::exception& error);
  // NOLINTEND(readability-identifier-naming)

  // Of what made a function return false.
  const absl::Status& error() const { return error_; }

 private:
  bool Fail(size_t offset, std::string_view what) {
    error_ = Error(text_, offset, what);
    return false;
  }

  // The node for the next token, in its place in the tree.
  JsonNode* Add(JsonNode::Kind kind) {
    JsonNode* const node = NextNode();
    node->kind = kind;
    node->offset = places_.Take();
    has_root_ = true;
    return node;
  }

  JsonNode* NextNode() {
    if (open_.empty()) return &root_;
    JsonNode& parent = *open_.back();
    if (parent.kind == JsonNode::Kind::kObject) return &parent.members.back().value;
    return &parent.items.emplace_back();
  }

  bool AddNumber() {
    JsonNode* const node = Add(JsonNode::Kind::kNumber);
    node->text = places_.From(node->offset);
    return true;
  }

  bool Open(JsonNode::Kind kind) {
    JsonNode* const node = Add(kind);
    if (open_.size() == PositionedJson::kMaxDepth) {
      return Fail(node->offset, MessageText("nested deeper than ", PositionedJson::kMaxDepth,
                                            " levels; nothing in this file needs that"));
    }
    open_.push_back(node);
    return true;
  }

  bool Close() {
    places_.Take();
    open_.pop_back();
    return true;
  }

  bool IsBrokenString(size_t begin) const {
    return begin < text_.size() && text_[begin] == '"' &&
           !nlohmann::json::accept(text_.substr(begin, places_.EndOf(begin) - begin));
  }
  std::string SyntaxError(size_t token, size_t at) const;

  const std::string_view text_;
  TokenPlaces places_;
  JsonNode& root_;
  bool has_root_ = false;
  // The lists and objects around the next token, outermost first. They stay where they are: what
  // holds one of them grows only after it has ended.
  std::vector<JsonNode*> open_;
  absl::Status error_;
};

bool TreeBuilder::key(std::string& name) {
  const size_t offset = places_.Take();
  std::vector<JsonMember>& members = open_.back()->members;
  const auto same = std::ranges::find(members, name, &JsonMember::name);
  if (same != members.end()) {
    return Fail(offset,
                MessageText("member ", QuotedForMessage(name), " is there twice, first in line ",
                            PlaceOf(text_, same->offset).line, "; remove one of them"));
  }
  if (members.size() == PositionedJson::kMaxMembers) {
    return Fail(offset,
                MessageText("an object of more than ", PositionedJson::kMaxMembers, " members"));
  }
  members.push_back({.name = std::move(name), .offset = offset, .value = {}});
  return true;
}

bool TreeBuilder::parse_error(size_t bytes_read, const std::string& /*last_token*/,
                              const nlohmann::json::exception& /*error*/) {
  // nlohmann has read up to the byte that cannot be. Only in a string is that the best place to
  // show; else it is where the token begins.
  const size_t last = std::min(bytes_read - std::min<size_t>(bytes_read, 1), text_.size());
  const size_t token = std::min(places_.NextBegin(), last);
  const size_t at = IsBrokenString(token) ? last : token;
  return Fail(at, SyntaxError(token, at));
}

// nlohmann's own words quote what it has read, which may be anything.
std::string TreeBuilder::SyntaxError(size_t token, size_t at) const {
  if (at == text_.size() && at != token) return "the file ends within a string; is it complete?";
  if (at == text_.size()) return "the file ends before its JSON does; is it complete?";
  if (at != token) {
    return "not allowed in a JSON string: a control character or line break, an unknown escape, or "
           "bytes that are not UTF-8";
  }
  if (has_root_ && open_.empty()) return "text after the end of the JSON; remove it";
  return MessageText("not JSON: unexpected ",
                     QuotedForMessage(text_.substr(at, places_.EndOf(at) - at)),
                     "; look for a missing or extra comma, colon, quote or bracket before it");
}

absl::Status CheckText(std::string_view text, size_t max_bytes) {
  if (text.size() > max_bytes) {
    return Error(text, max_bytes,
                 MessageText("the file is larger than ", max_bytes, " bytes; make it shorter"));
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    return Error(text, 0, "the file begins with a byte order mark; save it as UTF-8 without one");
  }
  // nlohmann takes it for the end of the text, and would not see what follows.
  if (const size_t zero = text.find('\0'); zero != std::string_view::npos) {
    return Error(text, zero, "a zero byte; is this a text file in UTF-8?");
  }
  return absl::OkStatus();
}

}  // namespace

const JsonNode* JsonNode::Find(std::string_view name) const {
  const auto member = std::ranges::find(members, name, &JsonMember::name);
  return member == members.end() ? nullptr : &member->value;
}

absl::StatusOr<PositionedJson> PositionedJson::Parse(std::string_view text, size_t max_bytes) {
  if (absl::Status status = CheckText(text, max_bytes); !status.ok()) return status;
  PositionedJson json(text);
  TreeBuilder builder(text, json.root_);
  if (!nlohmann::json::sax_parse(text, &builder)) return builder.error();
  return json;
}

absl::Status PositionedJson::ErrorAt(size_t offset, std::string_view what) const {
  return Error(text_, offset, what);
}

std::string PositionedJson::LineOf(size_t offset) const {
  return MessageText("line ", PlaceOf(text_, offset).line);
}

std::string_view NameOfKind(JsonNode::Kind kind) {
  switch (kind) {
    case JsonNode::Kind::kNull:
      return "null";
    case JsonNode::Kind::kBoolean:
      return "a boolean";
    case JsonNode::Kind::kNumber:
      return "a number";
    case JsonNode::Kind::kString:
      return "a string";
    case JsonNode::Kind::kList:
      return "a list";
    case JsonNode::Kind::kObject:
      return "an object";
  }
  return "";
}

std::string QuotedForMessage(std::string_view text) {
  constexpr size_t kMaxShown = 100;
  const bool is_cut = text.size() > kMaxShown;
  return MessageText("\"", absl::CHexEscape(std::string(text.substr(0, kMaxShown))),
                     is_cut ? "..." : "", "\"");
}

}  // namespace gateway
