#include "service/passfort/application_list.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "service/http/http_client.h"
#include "service/passfort/json_reader.h"
#include "service/passfort/outcome.h"
#include "service/passfort/product_application_json.h"

namespace gateway {
namespace {

using nlohmann::json;

// The text of a member; empty if it is absent, null or of another type than documented.
std::string TextOf(const json& object, const char* member) {
  if (!object.is_object()) return "";
  const auto found = object.find(member);
  if (found == object.end() || !found->is_string()) return "";
  return found->get_ref<const std::string&>();
}

// Nothing if the item is no application.
std::optional<ListedApplication> ReadItem(json item) {
  ListedApplication listed;
  listed.id = TextOf(item, "id");
  if (listed.id.empty()) return std::nullopt;
  absl::AsciiStrToLower(&listed.id);
  if (const auto product = item.find("product"); product != item.end()) {
    listed.product_alias = TextOf(*product, "alias");
    listed.product_id = TextOf(*product, "id");
    absl::AsciiStrToLower(&listed.product_id);
  }
  listed.associated_role = TextOf(item, "associated_role");
  listed.application = std::make_shared<pb::ProductApplication>();
  ProductApplicationFromJson(std::move(item), *listed.application);
  return listed;
}

// Nothing if the body is no list, or not all of one.
std::optional<std::vector<ListedApplication>> ReadList(std::string_view text) {
  auto body = ReadJson(text);
  if (!body || !body->is_array()) return std::nullopt;
  std::vector<ListedApplication> list;
  list.reserve(body->size());
  for (json& item : *body) {
    auto listed = ReadItem(std::move(item));
    if (!listed) return std::nullopt;
    list.push_back(*std::move(listed));
  }
  return list;
}

// What a write would have come to, said of a read: to read does nothing, so what is ambiguous for a
// write was not carried out here.
struct Reading {
  ListFailed operator()(Refused refused) const { return {.refusal = std::move(refused.answer)}; }
  ListFailed operator()(NotCarriedOut outcome) const {
    return {.not_carried_out = std::move(outcome)};
  }
  ListFailed operator()(Ambiguous outcome) const {
    return {.not_carried_out = NotCarriedOut{.cause = NotCarriedOut::Cause::kUnreachable,
                                             .answer = std::move(outcome.answer)}};
  }
  // One application in place of a list.
  ListFailed operator()(const Done&) const { return {.not_carried_out = NotCarriedOut{}}; }
};

}  // namespace

ListOutcome OutcomeOfList(const HttpResult& result, absl::Time now) {
  if (const auto* failure = std::get_if<HttpFailure>(&result.answer)) {
    const HttpResult nothing_done{.answer = *failure, .body_requested = false};
    return std::visit(Reading(), OutcomeOfWrite(nothing_done, now));
  }
  const auto& response = std::get<HttpResponse>(result.answer);
  if (response.status >= 200 && response.status <= 299) {
    if (auto list = ReadList(response.body)) return *std::move(list);
  }
  return std::visit(Reading(), OutcomeOfWrite(result, now));
}

std::string_view OutcomeName(const ListOutcome& outcome) {
  const auto* failed = std::get_if<ListFailed>(&outcome);
  if (failed == nullptr) return "done";
  return failed->refusal ? "refused" : "not_carried_out";
}

}  // namespace gateway
