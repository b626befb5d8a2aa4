#ifndef SERVICE_AUTHORIZATION_POSITIONED_JSON_H_
#define SERVICE_AUTHORIZATION_POSITIONED_JSON_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gateway {

struct JsonMember;

// A JSON value that knows where in the text it begins.
struct JsonNode {
  enum class Kind { kNull, kBoolean, kNumber, kString, kList, kObject };

  Kind kind = Kind::kNull;
  size_t offset = 0;  // in bytes, of its first character
  bool boolean = false;
  std::string text;  // a string's content, a number's digits
  std::vector<JsonNode> items;
  std::vector<JsonMember> members;  // in the order of the text, no two with the same name

  // Null: it is no object, or has no such member.
  const JsonNode* Find(std::string_view name) const;
};

struct JsonMember {
  std::string name;
  size_t offset = 0;  // of the name's opening quote
  JsonNode value;
};

// A JSON text that people write, such as an authorization policy: read strictly (RFC 8259, UTF-8),
// and every error, also one that a reader finds in the values later, says line and column.
//
// nlohmann/json does the parsing, but gives positions for syntax errors only. Whenever it reports a
// token, the token's place is found again in the text: that is easy right behind the token before,
// in a text that is known to be well-formed so far.
class PositionedJson {
 public:
  // Refused as well: duplicate members, nesting beyond kMaxDepth, objects of more than kMaxMembers,
  // a byte order mark, more than `max_bytes`. `text` outlives the result.
  static absl::StatusOr<PositionedJson> Parse(std::string_view text, size_t max_bytes);

  static constexpr size_t kMaxDepth = 16;
  static constexpr size_t kMaxMembers = 64;

  const JsonNode& root() const { return root_; }

  // "line 7, column 12: `what`". Columns count characters, not bytes; both begin at 1.
  absl::Status ErrorAt(size_t offset, std::string_view what) const;
  // "line 7", to refer to another place.
  std::string LineOf(size_t offset) const;

 private:
  explicit PositionedJson(std::string_view text) : text_(text) {}

  std::string_view text_;
  JsonNode root_;
};

// Such as "a list".
std::string_view NameOfKind(JsonNode::Kind kind);

// `text` in quotes for a message: on one line, as ASCII, and cut if it is long.
std::string QuotedForMessage(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_AUTHORIZATION_POSITIONED_JSON_H_
