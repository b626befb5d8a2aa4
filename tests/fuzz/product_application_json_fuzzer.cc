// Reads any bytes as Passfort's response. Nothing may crash, and what is read must be rebuilt from
// the typed fields and `unmapped`, also after a client has parsed it.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "passfort/gateway/v1/product_application_service.pb.h"
#include "service/http/http_client.h"
#include "service/json/json_builder.h"
#include "service/json/json_reader.h"
#include "service/passfort/mapping/product_application_json.h"
#include "service/passfort/product_application_client.h"
#include "tests/unit/passfort/rebuilt_application.h"

namespace {

void Check(bool holds, std::string_view promise, const std::string& how) {
  if (!holds) {
    std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(promise.size()), promise.data(),
                 how.c_str());
    std::abort();
  }
}

bool IsApplication(const nlohmann::json& json) {
  if (!json.is_object() || !json.contains("id")) return false;
  const nlohmann::json& id = json.at("id");
  if (id.is_binary()) {
    return id.get_binary().has_subtype() && id.get_binary().subtype() == gateway::kOddStringSubtype;
  }
  return id.is_string() && !id.get_ref<const std::string&>().empty();
}

void CheckApplication(const nlohmann::json& json,
                      const gateway::pb::ProductApplication& application) {
  gateway::pb::AddProductApplicationResponse response;
  *response.mutable_product_application() = application;
  gateway::pb::AddProductApplicationResponse received;
  Check(received.ParseFromString(response.SerializeAsString()), "a client can parse the answer",
        "");
  const std::string broken = gateway::BrokenPromise(json, received.product_application());
  Check(broken.empty(), "nothing is lost", broken);
}

// An item of a list, of which a part is read.
void CheckKept(const nlohmann::json& json, const gateway::pb::ProductApplication& listed) {
  const auto alone = gateway::ReadProductApplication(gateway::WriteJson(json));
  // An item may be longer than an application, and no record keeps such a product.
  constexpr size_t kMaxProductBytes = 4096;
  if (!alone || listed.product().ByteSizeLong() > kMaxProductBytes) return;
  const gateway::pb::ProductApplication& is = *alone;
  Check(listed.id() == is.id() && listed.product().id() == is.product().id() &&
            listed.product().alias() == is.product().alias() &&
            listed.associated_role() == is.associated_role() && listed.status() == is.status() &&
            listed.flag() == is.flag(),
        "an item of a list is read as if it were alone", json.dump());
}

bool NamesAProfile(const nlohmann::json& item) {
  return item.is_object() && (item.contains("profile_id") || item.contains("profile"));
}

void CheckList(const nlohmann::json& json, const gateway::ListOutcome& listed) {
  const auto* list = std::get_if<gateway::ApplicationList>(&listed);
  if (!json.is_array() || std::ranges::any_of(json, NamesAProfile)) return;
  Check(list != nullptr, "a JSON array is a list", "");
  Check(list->is_complete == std::ranges::all_of(json, IsApplication),
        "a list is complete if all items can be read", "");
  auto item = list->applications.begin();
  for (const nlohmann::json& element : json) {
    if (!IsApplication(element)) continue;
    Check(item != list->applications.end(), "every application of a list is read", "");
    CheckKept(element, gateway::ApplicationOf(*item++));
  }
  Check(item == list->applications.end(), "nothing else is read as an application", "");
}

// Whether `ours`, which ReadJson gave, is what nlohmann read from the same text.
bool IsSame(const nlohmann::json& ours, const nlohmann::json& theirs) {
  if (theirs.is_number()) {
    if (ours.is_number()) return ours == theirs;
    // Digits of a number that no double prints back.
    if (!ours.is_binary() || ours.get_binary().has_subtype()) return false;
    const std::string digits(ours.get_binary().begin(), ours.get_binary().end());
    return nlohmann::json::parse(digits) == theirs;
  }
  if (ours.type() != theirs.type() || ours.size() != theirs.size()) return false;
  if (theirs.is_array()) return std::ranges::equal(ours, theirs, IsSame);
  if (!theirs.is_object()) return ours == theirs;
  return std::ranges::all_of(theirs.items(), [&ours](const auto& member) {
    return ours.contains(member.key()) && IsSame(ours.at(member.key()), member.value());
  });
}

// What strict JSON accepts is read as it says. nlohmann takes a zero byte for the end of the text,
// and numbers beyond a double for errors.
void CheckStrictJson(std::string_view text, const std::optional<nlohmann::json>& json) {
  if (text.find('\0') != std::string_view::npos) return;
  const auto strict = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (strict.is_discarded()) return;
  gateway::JsonBuilder nothing;
  if (gateway::ParseJson(text, nothing) == gateway::JsonEnd::kOverLimit) return;
  Check(json.has_value(), "strict JSON is read", "");
  Check(IsSame(*json, strict), "strict JSON is read as it says", strict.dump());
}

bool HoldsNothingOdd(const nlohmann::json& value) {
  if (value.is_binary()) return !value.get_binary().has_subtype();
  return !value.is_structured() || std::ranges::all_of(value, HoldsNothingOdd);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto json = gateway::ReadJson(text);
  const auto application = gateway::ReadProductApplication(text);
  const gateway::HttpResult result{
      .response_or_failure = gateway::HttpResponse{.status = 200, .body = std::string(text)}};
  const gateway::ListOutcome listed = gateway::ToListOutcome(
      gateway::ReadAtOnce(gateway::kListApplications, "", result, absl::UnixEpoch(), nullptr)
          .outcome);
  CheckStrictJson(text, json);
  if (json) {
    const std::string written = gateway::WriteJson(*json);
    const auto again = gateway::ReadJson(written);
    Check(again.has_value() && HoldsNothingOdd(*again), "what is written is JSON", written);
    Check(again == json || !HoldsNothingOdd(*json), "written JSON reads the same", written);
  }
  Check(application.has_value() == (json && IsApplication(*json)), "an application is read", "");
  if (application) CheckApplication(*json, *application);
  if (json) CheckList(*json, listed);
  return 0;
}
