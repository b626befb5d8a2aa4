#include "tests/unit/callers/callers_oracle.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <regex>
#include <set>

#include "tests/unit/authorization/file_oracle.h"

namespace gateway {
namespace {

using nlohmann::json;

const std::set<std::string> kLimits = {"products", "max_in_flight", "calls_per_minute",
                                       "writes_per_day", "request_id"};
const std::set<std::string> kOfCaller = {"name",          "principals",       "products",
                                         "max_in_flight", "calls_per_minute", "writes_per_day",
                                         "request_id"};

bool IsFullListOfStrings(const json& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(), [](const json& item) { return item.is_string(); });
}

bool IsCount(const json& object, const char* member, uint64_t most) {
  if (!object.contains(member)) return true;
  const json& value = object.at(member);
  if (!value.is_number_integer()) return false;
  return value >= 1 && value <= most;
}

// In the way it is compared.
std::string Product(const std::string& text) {
  static const std::regex uuid("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
  if (text.size() != 36 || !std::regex_match(text, uuid)) return text;
  std::string lower;
  for (const char c : text) {
    lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return lower;
}

bool AreProducts(const json& list) {
  if (!IsFullListOfStrings(list)) return false;
  std::set<std::string> seen;
  for (const json& item : list) {
    const auto text = item.get<std::string>();
    const bool is_printable = std::none_of(text.begin(), text.end(),
                                           [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
    if (text.empty() || text.size() > 256 || !is_printable) return false;
    if (!seen.insert(Product(text)).second) return false;
  }
  return true;
}

bool AreLimits(const json& entry, const CallersLimits& limits) {
  return (!entry.contains("products") || AreProducts(entry.at("products"))) &&
         IsCount(entry, "max_in_flight", limits.max_in_flight) &&
         IsCount(entry, "calls_per_minute", 1'000'000) &&
         IsCount(entry, "writes_per_day", 1'000'000'000) &&
         (limits.has_store || !entry.contains("writes_per_day")) &&
         (!entry.contains("request_id") || entry.at("request_id") == "required" ||
          entry.at("request_id") == "optional");
}

bool IsCaller(const json& caller, const CallersLimits& limits) {
  static const std::regex name("[a-z0-9][a-z0-9_-]{0,62}");
  if (!HasOnly(caller, kOfCaller) || !caller.contains("name") || !caller.contains("principals")) {
    return false;
  }
  if (!caller.at("name").is_string() ||
      !std::regex_match(caller.at("name").get<std::string>(), name)) {
    return false;
  }
  if (caller.at("name") == "local" || caller.at("name") == "other") return false;
  if (!IsFullListOfStrings(caller.at("principals"))) return false;
  for (const json& principal : caller.at("principals")) {
    if (!IsPrincipal(principal.get<std::string>())) return false;
  }
  return AreLimits(caller, limits);
}

bool IsCallersFile(const json& file, const CallersLimits& limits) {
  if (!HasOnly(file, {"callers", "default"}) || file.size() != 2) return false;
  const json& callers = file.at("callers");
  const json& default_entry = file.at("default");
  if (!callers.is_array() || callers.size() > 1000) return false;
  if (callers.empty() && default_entry.is_null()) return false;
  std::set<std::string> names;
  std::set<std::string> principals;
  for (const json& caller : callers) {
    if (!IsCaller(caller, limits) || !names.insert(caller.at("name")).second) return false;
    for (const json& principal : caller.at("principals")) {
      if (!principals.insert(principal).second) return false;
    }
  }
  return default_entry.is_null() ||
         (HasOnly(default_entry, kLimits) && AreLimits(default_entry, limits));
}

}  // namespace

std::optional<CallersOracle> CallersOracle::Read(std::string_view text,
                                                 const CallersLimits& limits) {
  if (text.size() > size_t{256} * 1024) return {};
  std::optional<json> file = ReadWithoutDuplicates(text);
  if (!file || !IsCallersFile(*file, limits)) return {};
  return CallersOracle(*std::move(file), limits.max_in_flight);
}

json CallersOracle::Find(const std::string& principal) const {
  json entry = file_.at("default");
  if (entry.is_object()) entry["name"] = "other";
  for (const json& caller : file_.at("callers")) {
    const json& principals = caller.at("principals");
    if (std::find(principals.begin(), principals.end(), principal) != principals.end()) {
      entry = caller;
      entry.erase("principals");
    }
  }
  if (entry.is_null()) return entry;
  const size_t quarter = max_in_flight_ / 4 == 0 ? 1 : max_in_flight_ / 4;
  json filled = {{"products", nullptr},
                 {"max_in_flight", quarter},
                 {"calls_per_minute", nullptr},
                 {"writes_per_day", nullptr},
                 {"request_id", "optional"}};
  filled.update(entry);
  if (!filled["products"].is_null()) {
    for (json& product : filled["products"]) product = Product(product);
  }
  return filled;
}

json AsJson(const CallerEntry* entry) {
  if (entry == nullptr) return nullptr;
  json result = {{"name", entry->name},
                 {"products", nullptr},
                 {"max_in_flight", entry->max_in_flight},
                 {"calls_per_minute", nullptr},
                 {"writes_per_day", nullptr},
                 {"request_id", entry->needs_request_id ? "required" : "optional"}};
  if (entry->products) result["products"] = *entry->products;
  if (entry->calls_per_minute) result["calls_per_minute"] = *entry->calls_per_minute;
  if (entry->writes_per_day) result["writes_per_day"] = *entry->writes_per_day;
  return result;
}

}  // namespace gateway
