#include "service/callers/callers_reader.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "service/authorization/json_checks.h"
#include "service/authorization/message_text.h"
#include "service/authorization/positioned_json.h"
#include "service/authorization/principal_pattern.h"
#include "service/base/uuid.h"

namespace gateway {
namespace {

constexpr int64_t kMaxCallsPerMinute = 1'000'000;
constexpr int64_t kMaxWritesPerDay = 1'000'000'000;
constexpr size_t kMaxNameBytes = 63;
// What a request's alias can be (service/rpc/request_validation.h).
constexpr size_t kMaxProductBytes = 256;
// What a caller gets of the gateway's places without a number of its own: one caller that hangs
// cannot keep out the others.
constexpr size_t kDefaultShare = 4;
// Callers over plain text.
constexpr std::string_view kLocalCaller = "local";

using Kind = JsonNode::Kind;

bool IsCallerName(std::string_view name) {
  const auto is_letter_or_digit = [](char c) {
    return absl::ascii_islower(static_cast<unsigned char>(c)) ||
           absl::ascii_isdigit(static_cast<unsigned char>(c));
  };
  return !name.empty() && name.size() <= kMaxNameBytes && is_letter_or_digit(name.front()) &&
         std::ranges::all_of(name, [&is_letter_or_digit](char c) {
           return is_letter_or_digit(c) || c == '_' || c == '-';
         });
}

bool CanBeProduct(std::string_view text) {
  return !text.empty() && text.size() <= kMaxProductBytes && std::ranges::none_of(text, [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c));
  });
}

// Reads one file. The functions return the first error.
class Reader {
 public:
  Reader(const PositionedJson& json, const CallersLimits& limits)
      : json_(json), checks_(json), limits_(limits) {}

  absl::Status Read(CallersText& text) {
    const JsonNode& root = json_.root();
    absl::Status status = checks_.CheckObject(root, "the file", {"callers", "default"});
    if (status.ok()) status = CheckMembers(root, "the file", {"callers", "default"});
    if (status.ok()) status = ReadCallerList(*root.Find("callers"), text.callers);
    if (status.ok()) status = ReadDefault(*root.Find("default"), text.default_entry);
    if (status.ok() && text.callers.empty() && !text.default_entry.has_value()) {
      status = json_.ErrorAt(root.Find("callers")->offset,
                             "\"callers\" is empty and \"default\" is null, so nobody could call "
                             "anything; fill in one of them");
    }
    return status;
  }

 private:
  absl::Status CheckMembers(const JsonNode& object, std::string_view what,
                            std::initializer_list<std::string_view> required) const {
    for (const std::string_view name : required) {
      if (object.Find(name) != nullptr) continue;
      return json_.ErrorAt(object.offset, MessageText(what, " has no \"", name, "\"; add it"));
    }
    return absl::OkStatus();
  }

  absl::Status ReadCallerList(const JsonNode& list, std::vector<CallersText::Caller>& callers) {
    absl::Status status = checks_.CheckKind(list, "\"callers\"", Kind::kList);
    for (const JsonNode& item : list.items) {
      if (status.ok()) status = ReadCaller(item, callers.emplace_back());
      if (!status.ok()) break;
    }
    return status;
  }

  absl::Status ReadCaller(const JsonNode& node, CallersText::Caller& caller) {
    absl::Status status = checks_.CheckObject(node, "a caller",
                                              {"name", "principals", "products", "max_in_flight",
                                               "calls_per_minute", "writes_per_day", "request_id"});
    if (status.ok()) status = ReadName(node, caller.entry.name);
    if (status.ok()) status = CheckMembers(node, "the caller", {"principals"});
    if (status.ok()) status = ReadPrincipals(*node.Find("principals"), caller.principals);
    if (status.ok()) status = ReadLimits(node, caller.entry);
    return status;
  }

  absl::Status ReadDefault(const JsonNode& node, std::optional<CallerEntry>& entry) const {
    if (node.kind == Kind::kNull) return absl::OkStatus();
    absl::Status status = checks_.CheckObject(
        node, "\"default\"",
        {"products", "max_in_flight", "calls_per_minute", "writes_per_day", "request_id"});
    if (!status.ok()) return status;
    entry.emplace().name = kDefaultCaller;
    return ReadLimits(node, *entry);
  }

  absl::Status ReadName(const JsonNode& node, std::string& name) {
    absl::StatusOr<std::string> read = checks_.ReadName(node, "the caller");
    if (!read.ok()) return read.status();
    name = *std::move(read);
    const size_t offset = node.Find("name")->offset;
    if (!IsCallerName(name)) {
      return json_.ErrorAt(
          offset, MessageText(QuotedForMessage(name), " is no name: 1 to ", kMaxNameBytes,
                              " of a-z, 0-9, - and _, of which the first is a letter or a digit"));
    }
    if (name == kLocalCaller || name == kDefaultCaller) {
      return json_.ErrorAt(offset, MessageText("\"", name, "\" is the gateway's own name for ",
                                               name == kLocalCaller ? "callers in plain text"
                                                                    : "callers without an entry",
                                               "; choose another one"));
    }
    if (const auto first = checks_.FirstLine(name_places_, name, offset)) {
      return json_.ErrorAt(offset, MessageText("another caller is named \"", name, "\", in ",
                                               *first, "; merge the two or rename one"));
    }
    if (name_places_.size() <= kMaxCallers) return absl::OkStatus();
    return json_.ErrorAt(
        node.offset, MessageText("more than ", kMaxCallers, " callers; let some share an entry"));
  }

  absl::Status ReadPrincipals(const JsonNode& list, std::vector<std::string>& principals) {
    return ReadStrings(list, "principals", [this, &principals](const JsonNode& item) {
      if (const absl::Status status = CheckPrincipal(item.text); !status.ok()) {
        return json_.ErrorAt(item.offset, std::string(status.message()));
      }
      principals.push_back(item.text);
      return CheckNew(principal_places_, item, item.text, "give it to one caller, once");
    });
  }

  absl::Status ReadLimits(const JsonNode& node, CallerEntry& entry) const {
    entry.usage = std::make_shared<CallerUsage>();
    absl::Status status = ReadProducts(node, entry.products);
    if (status.ok()) status = ReadPlaces(node, entry.max_in_flight);
    if (status.ok()) {
      status = ReadCount(node, "calls_per_minute", kMaxCallsPerMinute, entry.calls_per_minute);
    }
    if (status.ok()) status = ReadBudget(node, entry.writes_per_day);
    if (status.ok()) status = ReadRequestId(node, entry.needs_request_id);
    return status;
  }

  absl::Status ReadProducts(const JsonNode& node,
                            std::optional<std::vector<std::string>>& products) const {
    const JsonNode* const list = node.Find("products");
    if (list == nullptr) return absl::OkStatus();
    products.emplace();
    JsonChecks::Places places;
    return ReadStrings(*list, "products", [this, &products, &places](const JsonNode& item) {
      if (!CanBeProduct(item.text)) {
        return json_.ErrorAt(item.offset,
                             MessageText(QuotedForMessage(item.text),
                                         " can be no product: write its alias, of 1 to ",
                                         kMaxProductBytes, " bytes and printable, or its id"));
      }
      products->push_back(IsUuid(item.text) ? absl::AsciiStrToLower(item.text) : item.text);
      return CheckNew(places, item, products->back(), "remove one of them");
    });
  }

  absl::Status ReadPlaces(const JsonNode& node, size_t& places) const {
    std::optional<int64_t> given;
    absl::Status status =
        ReadCount(node, "max_in_flight", static_cast<int64_t>(limits_.max_in_flight), given,
                  ", the gateway's own max_in_flight");
    places = given.has_value() ? static_cast<size_t>(*given)
                               : std::max<size_t>(limits_.max_in_flight / kDefaultShare, 1);
    return status;
  }

  absl::Status ReadBudget(const JsonNode& node, std::optional<int64_t>& budget) const {
    absl::Status status = ReadCount(node, "writes_per_day", kMaxWritesPerDay, budget);
    if (!status.ok() || !budget.has_value() || limits_.has_store) return status;
    return json_.ErrorAt(node.Find("writes_per_day")->offset,
                         "\"writes_per_day\" is counted in the store, and there is none; set "
                         "`store`, or leave it out");
  }

  absl::Status ReadRequestId(const JsonNode& node, bool& is_needed) const {
    const JsonNode* const word = node.Find("request_id");
    if (word == nullptr) return absl::OkStatus();
    absl::Status status = checks_.CheckKind(*word, "\"request_id\"", Kind::kString);
    if (!status.ok()) return status;
    is_needed = word->text == "required";
    if (is_needed || word->text == "optional") return absl::OkStatus();
    return json_.ErrorAt(word->offset,
                         MessageText("\"request_id\" has to be \"required\" or \"optional\", not ",
                                     QuotedForMessage(word->text)));
  }

  // An optional member.
  absl::Status ReadCount(const JsonNode& object, std::string_view member, int64_t most,
                         std::optional<int64_t>& count, std::string_view why_most = "") const {
    const JsonNode* const node = object.Find(member);
    if (node == nullptr) return absl::OkStatus();
    const absl::StatusOr<int64_t> read =
        checks_.ReadCount(*node, MessageText("\"", member, "\""), most, why_most);
    if (read.ok()) count = *read;
    return read.status();
  }

  template <typename ReadString>
  absl::Status ReadStrings(const JsonNode& list, std::string_view member,
                           ReadString read_string) const {
    absl::Status status = checks_.CheckFilledList(list, MessageText("\"", member, "\""));
    for (const JsonNode& item : list.items) {
      if (status.ok()) {
        status = checks_.CheckKind(item, MessageText("each of \"", member, "\""), Kind::kString);
      }
      if (status.ok()) status = read_string(item);
      if (!status.ok()) break;
    }
    return status;
  }

  absl::Status CheckNew(JsonChecks::Places& places, const JsonNode& node, std::string_view text,
                        std::string_view advice) const {
    const auto first = checks_.FirstLine(places, text, node.offset);
    if (!first.has_value()) return absl::OkStatus();
    return json_.ErrorAt(
        node.offset,
        MessageText(QuotedForMessage(text), " is there twice, first in ", *first, "; ", advice));
  }

  const PositionedJson& json_;
  const JsonChecks checks_;
  const CallersLimits limits_;
  JsonChecks::Places name_places_;
  JsonChecks::Places principal_places_;  // of all callers
};

}  // namespace

absl::StatusOr<CallersText> ReadCallers(std::string_view text, const CallersLimits& limits) {
  const absl::StatusOr<PositionedJson> json = PositionedJson::Parse(text, kMaxCallersBytes);
  if (!json.ok()) return json.status();
  CallersText callers;
  if (absl::Status status = Reader(*json, limits).Read(callers); !status.ok()) return status;
  return callers;
}

}  // namespace gateway
