#include "service/authorization/json_checks.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "service/authorization/message_text.h"

namespace gateway {

absl::Status JsonChecks::CheckKind(const JsonNode& node, std::string_view what,
                                   JsonNode::Kind kind) const {
  if (node.kind == kind) return absl::OkStatus();
  return json_.ErrorAt(node.offset, MessageText(what, " has to be ", NameOfKind(kind), ", not ",
                                                NameOfKind(node.kind)));
}

absl::Status JsonChecks::CheckObject(const JsonNode& node, std::string_view what,
                                     std::initializer_list<std::string_view> known) const {
  if (absl::Status status = CheckKind(node, what, JsonNode::Kind::kObject); !status.ok()) {
    return status;
  }
  for (const JsonMember& member : node.members) {
    if (std::ranges::find(known, member.name) != known.end()) continue;
    return json_.ErrorAt(member.offset,
                         MessageText("unknown member ", QuotedForMessage(member.name), "; ", what,
                                     " can have: ", JoinedText(known, ", ")));
  }
  return absl::OkStatus();
}

absl::Status JsonChecks::CheckFilledList(const JsonNode& node, std::string_view what) const {
  if (absl::Status status = CheckKind(node, what, JsonNode::Kind::kList); !status.ok())
    return status;
  if (!node.items.empty()) return absl::OkStatus();
  return json_.ErrorAt(node.offset,
                       MessageText(what, " is an empty list; fill it in or leave it out"));
}

absl::StatusOr<std::string> JsonChecks::ReadName(const JsonNode& object,
                                                 std::string_view what) const {
  const JsonNode* const node = object.Find("name");
  if (node == nullptr) {
    return json_.ErrorAt(object.offset, MessageText(what, " has no \"name\"; give it one"));
  }
  if (absl::Status status = CheckKind(*node, "\"name\"", JsonNode::Kind::kString); !status.ok()) {
    return status;
  }
  if (node->text.empty()) {
    return json_.ErrorAt(node->offset, "\"name\" is empty; the log shows it, so fill it in");
  }
  return node->text;
}

absl::StatusOr<int64_t> JsonChecks::ReadCount(const JsonNode& node, std::string_view what,
                                              int64_t most, std::string_view why_most) const {
  if (absl::Status status = CheckKind(node, what, JsonNode::Kind::kNumber); !status.ok()) {
    return status;
  }
  int64_t count = 0;
  if (absl::SimpleAtoi(node.text, &count) && count >= 1 && count <= most) return count;
  return json_.ErrorAt(node.offset, MessageText(what, " has to be a whole number from 1 to ", most,
                                                why_most, ", not ", node.text.substr(0, 40)));
}

std::optional<std::string> JsonChecks::FirstLine(Places& places, std::string_view text,
                                                 size_t offset) const {
  const auto [first, is_new] = places.try_emplace(std::string(text), offset);
  if (is_new) return std::nullopt;
  return json_.LineOf(first->second);
}

}  // namespace gateway
