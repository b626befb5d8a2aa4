#include "service/passfort/application_list.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "service/http/http_client.h"
#include "service/passfort/outcome.h"
#include "service/passfort/product_application_json.h"

namespace gateway {
namespace {

// The text of a role; empty if it is absent, null or of another type than documented.
std::string RoleText(const pb::ProductApplication& application) {
  if (application.associated_role() != pb::ASSOCIATED_ROLE_UNSPECIFIED) {
    return std::string(AssociatedRoleJsonName(application.associated_role()));
  }
  const auto& kept = application.unmapped().fields();
  const auto role = kept.find("associated_role");
  if (role == kept.end()) return "";
  // A number that no double holds is kept as a string, too.
  const std::string& text = role->second.string_value();
  return text.find_first_not_of("-0123456789") == std::string::npos ? "" : text;
}

ListedApplication Listed(pb::ProductApplication application) {
  ListedApplication listed;
  listed.id = absl::AsciiStrToLower(application.id());
  listed.product_alias = application.product().alias();
  listed.product_id = absl::AsciiStrToLower(application.product().id());
  listed.associated_role = RoleText(application);
  listed.application = std::make_shared<pb::ProductApplication>(std::move(application));
  return listed;
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
  ListFailed operator()(const Done&) const {
    return {.not_carried_out = NotCarriedOut{}, .is_no_list = true};
  }
};

}  // namespace

ListOutcome OutcomeOfList(const HttpResult& result, absl::Time now) {
  if (const auto* failure = std::get_if<HttpFailure>(&result.answer)) {
    const HttpResult nothing_done{.answer = *failure, .body_requested = false};
    ListFailed failed = std::visit(Reading(), OutcomeOfWrite(nothing_done, now));
    failed.is_no_list = failure->kind == HttpFailure::Kind::kTooLarge;
    return failed;
  }
  const auto& response = std::get<HttpResponse>(result.answer);
  if (response.status >= 200 && response.status <= 299) {
    if (auto applications = ReadProductApplications(response.body)) {
      ApplicationList list;
      list.applications.reserve(applications->size());
      for (auto& application : *applications) {
        list.applications.push_back(Listed(std::move(application)));
      }
      return list;
    }
  }
  return std::visit(Reading(), OutcomeOfWrite(result, now));
}

std::string_view OutcomeName(const ListOutcome& outcome) {
  const auto* failed = std::get_if<ListFailed>(&outcome);
  if (failed == nullptr) return "done";
  return failed->refusal ? "refused" : "not_carried_out";
}

}  // namespace gateway
