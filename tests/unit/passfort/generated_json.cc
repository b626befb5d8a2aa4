#include "tests/unit/passfort/generated_json.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_format.h"
#include "service/json/json_reader.h"

namespace gateway {
namespace {

using nlohmann::json;

constexpr const char* kTexts[] = {"",     "a",        "forexo_basic", "Ada \"May\" Okafor\n\t\\/",
                                  "ünï",  "漢字かな", "😀🧾",         "\x7f \xc2\x80 \xef\xbf\xbf",
                                  "null", "[1]",      "{\"a\":1}",    "9007199254740993"};
constexpr const char* kDates[] = {"2024-03-11 09:26:53",
                                  "2024-02-29 23:59:59",
                                  "0001-01-01 00:00:00",
                                  "9999-12-31 23:59:59",
                                  "2024-03-11T09:26:53",
                                  "2024-03-11 09:26:53Z",
                                  "2025-01-31T23:59:59.250Z",
                                  "2024-03-11 09:26:53.1",
                                  "2024-03-11 09:26:53+01:00",
                                  "0001-01-01T00:00:00+01:00",
                                  "9999-12-31T23:59:59-01:00",
                                  "2023-02-30 00:00:00",
                                  "2024-03-11 09:26:60",
                                  "0000-01-01 00:00:00",
                                  "2024-03-11",
                                  "2024-03-11 24:00:00",
                                  "yesterday",
                                  "",
                                  " 2024-03-11 09:26:53",
                                  "2024-03-11 09:26:53 ",
                                  "2024-3-11 9:26:53"};
constexpr const char* kEnumValues[] = {"APPLIED",
                                       "APPROVED",
                                       "IN_REVIEW",
                                       "REJECTED",
                                       "CANCELLED",
                                       "CANCELED",
                                       "PAUSED",
                                       "AUTOMATING",
                                       "DECIDED",
                                       "NEARING_EXPIRY",
                                       "DIRECTOR",
                                       "OTHER",
                                       "INCOMPLETE_TASK",
                                       "UNRESOLVED_EVENT",
                                       "UNSPECIFIED",
                                       "applied",
                                       "",
                                       "UNDETERMINED_RISK",
                                       "REQUIRES_DATA",
                                       "INDIVIDUAL_CUSTOMER",
                                       "APPLICANT",
                                       "NORMAL",
                                       "PRODUCT_APPLICATION_STATUS_APPLIED"};
// Numbers that no double prints back as the same value.
constexpr const char* kDigits[] = {"18446744073709551617",
                                   "-9223372036854775809",
                                   "123456789012345678901234567890",
                                   "100000000000000000000001",
                                   "12345678901234567.89",
                                   "0.1000000000000000055511",
                                   "1e-400",
                                   "-1e400",
                                   "-0",
                                   "-0.0",
                                   "9007199254740993.0E0"};
// Numbers that a double prints back as the same value, if not with the same digits.
constexpr const char* kDoubles[] = {"1E5", "0.1000", "1e+2", "100.0", "0e7", "2.5e-3"};
// As OddString has them: `\x` and two digits is a byte.
constexpr const char* kOddStrings[] = {R"(\ud83d)",   R"(a\uDE00\ud83d)", R"(a\xff)",
                                       R"(\xed\xa0)", R"(漢\q)",          R"(\u12\ud83d\xc3)"};
constexpr const char* kOddWords[] = {"NaN", "Infinity", "-Infinity", "None", "01", "1."};

// What was sent for an odd string that is read as `text`.
std::string OddSource(const std::string& text) {
  std::string source;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "\\x") == 0) {
      source += static_cast<char>(std::stoi(text.substr(i + 2, 2), nullptr, 16));
      i += 3;
    } else {
      source += text[i];
    }
  }
  return source;
}

// One of kDoubles that is the same number.
const char* FormOf(const json& number) {
  const auto* const found = std::ranges::find_if(kDoubles, [&](const char* form) {
    return number.is_number() && json::parse(form) == number;
  });
  return found == std::end(kDoubles) ? nullptr : *found;
}

constexpr const char* kUnknownNames[] = {"weight", "auto_apply", "0",         "1",   "unmapped",
                                         "näme",   "",           "risk_band", "etag"};

}  // namespace

json GeneratedJson::AnyText() {
  return SeededRandom(3) ? Odd(kOddStrings, kOddStringSubtype) : Pick(kTexts);
}

template <typename Texts>
json GeneratedJson::Odd(const Texts& texts, uint64_t subtype) {
  const std::string text = Pick(texts);
  return json::binary({text.begin(), text.end()}, subtype);
}

json GeneratedJson::AnyNumber() {
  switch (random_() % 10) {
    case 0:
      return static_cast<int64_t>(random_());
    case 1:
      return random_();
    case 2:
      return (int64_t{1} << 53) + static_cast<int64_t>(random_() % 5) - 2;
    case 3: {
      const std::string digits = Pick(kDigits);
      return json::binary({digits.begin(), digits.end()});
    }
    case 4:
      return static_cast<double>(random_() % 1'000'000) / 1024.0;
    case 5: {
      constexpr double kNumbers[] = {0.1, 1e300, -5e-324, 1e20, 1.7976931348623157e308};
      return Pick(kNumbers);
    }
    case 6:
      return json::parse(Pick(kDoubles));
    case 7:
      return Odd(kOddWords, kOddWordSubtype);
    default:
      return static_cast<int64_t>(random_() % 200) - 100;
  }
}

json GeneratedJson::AnyScalar() {
  switch (random_() % 4) {
    case 0:
      return nullptr;
    case 1:
      return SeededRandom(50);
    case 2:
      return AnyText();
    default:
      return AnyNumber();
  }
}

json GeneratedJson::AnyValue(int depth) {
  if (depth == 0 || SeededRandom(50)) {
    return AnyScalar();
  }
  const bool is_list = SeededRandom(50);
  json value = is_list ? json::array() : json::object();
  for (auto count = random_() % 4; count > 0; --count) {
    if (is_list) {
      value.push_back(AnyValue(depth - 1));
    } else {
      value[Pick(kUnknownNames)] = AnyValue(depth - 1);
    }
  }
  return value;
}

// At most 6 + 48 levels: the typed messages and the unknown objects around it have 7, and the limit
// is 64.
json GeneratedJson::DeepValue() {
  json value = AnyValue(6);
  for (auto depth = random_() % 48; depth > 0; --depth) {
    json around = SeededRandom(50) ? json::array({std::move(value)})
                                   : json::object({{Pick(kUnknownNames), std::move(value)}});
    if (around.is_array() && SeededRandom(30)) {
      around.push_back(AnyScalar());
    }
    value = std::move(around);
  }
  return value;
}

json GeneratedJson::Date() { return Pick(kDates); }

json GeneratedJson::EnumValue() { return Pick(kEnumValues); }

template <typename Fill>
json GeneratedJson::Object(Fill fill) {
  json object = json::object();
  fill(object);
  while (SeededRandom(15)) {
    object[Pick(kUnknownNames)] = SeededRandom(10) ? DeepValue() : AnyValue(3);
  }
  return object;
}

template <typename Make>
json GeneratedJson::List(Make make) {
  json list = json::array();
  while (SeededRandom(60)) {
    list.push_back(SeededRandom(10) ? AnyValue(2) : make());
  }
  return list;
}

void GeneratedJson::Put(json& object, const char* name, json value) {
  switch (random_() % 12) {
    case 0:
    case 1:
      return;
    case 2:
      object[name] = nullptr;
      return;
    case 3:
      object[name] = value.is_array()     ? json::array()
                     : value.is_object()  ? json::object()
                     : value.is_boolean() ? json(false)
                                          : json("");
      return;
    case 4:
      object[name] = SeededRandom(10) ? DeepValue() : AnyValue(2);
      return;
    default:
      object[name] = std::move(value);
  }
}

json GeneratedJson::User() {
  return Object([this](json& user) {
    Put(user, "id", AnyText());
    Put(user, "name", AnyText());
    Put(user, "email", AnyText());
  });
}

json GeneratedJson::Product() {
  return Object([this](json& product) {
    Put(product, "id", AnyText());
    Put(product, "alias", AnyText());
    Put(product, "name", AnyText());
    Put(product, "automatically_apply", SeededRandom(50));
    Put(product, "automatically_approve", SeededRandom(50));
    Put(product, "is_deleted", SeededRandom(50));
  });
}

json GeneratedJson::RequiredTask() {
  return Object([this](json& task) {
    Put(task, "id", AnyText());
    Put(task, "task_type", AnyText());
    Put(task, "name", AnyText());
    Put(task, "description", AnyText());
    Put(task, "alias", AnyText());
  });
}

json GeneratedJson::ApprovalBlocker() {
  return Object([this](json& blocker) {
    Put(blocker, "blocker_type", EnumValue());
    Put(blocker, "event_id", AnyText());
    Put(blocker, "task_type", AnyText());
    Put(blocker, "task_variant", RequiredTask());
  });
}

json GeneratedJson::StatusChange() {
  return Object([this](json& change) {
    Put(change, "status", EnumValue());
    Put(change, "date", Date());
    Put(change, "decisioner", User());
    Put(change, "comment", AnyText());
  });
}

json GeneratedJson::FlagChange() {
  return Object([this](json& change) {
    Put(change, "status", EnumValue());
    Put(change, "flag", EnumValue());
    Put(change, "date", Date());
  });
}

json GeneratedJson::Application() {
  return Object([this](json& application) {
    application["id"] = "7f1d2c08-5b0e-4c55-9a41-0f6a3b9d1e22";
    Put(application, "product", Product());
    Put(application, "associated_role", EnumValue());
    Put(application, "status", EnumValue());
    Put(application, "flag", EnumValue());
    Put(application, "required_tasks", List([this] { return RequiredTask(); }));
    Put(application, "approval_blockers", List([this] { return ApprovalBlocker(); }));
    Put(application, "assignments", List([this] {
          return json::object(
              {{"assignee", AnyValue(3)}, {"deep", SeededRandom(10) ? DeepValue() : json(1)}});
        }));
    Put(application, "history", List([this] { return StatusChange(); }));
    Put(application, "flag_history", List([this] { return FlagChange(); }));
    Put(application, "hidden", SeededRandom(50));
  });
}

json GeneratedJson::Applications() {
  json list = json::array();
  while (SeededRandom(60)) list.push_back(Application());
  return list;
}

json GeneratedJson::Profile() {
  return Object([this](json& profile) {
    profile["id"] = "a2c4393a-e219-67a4-5ab4-2186952e9038";
    Put(profile, "role", EnumValue());
    Put(profile, "display_name", AnyText());
    Put(profile, "category", EnumValue());
    Put(profile, "status", EnumValue());
    Put(profile, "creation_date", Date());
    Put(profile, "applications", List([this] { return Application(); }));
    Put(profile, "collected_data", Object([this](json& data) {
          data["entity_type"] = "INDIVIDUAL";
          data["odd"] = SeededRandom(10) ? DeepValue() : AnyValue(4);
          // An associate's profile, with applications of its own.
          if (SeededRandom(10)) data["associate"] = {{"applications", Applications()}};
        }));
    Put(profile, "tasks", List([this] { return AnyValue(3); }));
    Put(profile, "linked_to", List([this] { return json{{"profile", AnyValue(2)}}; }));
  });
}

// Two levels more than `counted` at most, and no duplicate keys inside: never too deep.
json GeneratedJson::Uncounted(const json& counted) {
  switch (random_() % 5) {
    case 0:
      return AnyValue(2);
    case 1:
      return {{"alias", AnyText()}, {Pick(kUnknownNames), AnyScalar()}};
    case 2:
      return json::array({{{"status", EnumValue()}}, AnyScalar()});
    case 3:
      return EnumValue();
    default:
      return counted;
  }
}

std::string GeneratedJson::Text(const json& json) {
  const std::string space = SeededRandom(5) ? " \r\n\t" : "";
  if (json.is_binary()) {
    const std::string kept(json.get_binary().begin(), json.get_binary().end());
    const bool is_string =
        json.get_binary().has_subtype() && json.get_binary().subtype() == kOddStringSubtype;
    return is_string ? '"' + OddSource(kept) + '"' : kept;
  }
  if (const auto* form = FormOf(json); form != nullptr && SeededRandom(50)) {
    return form;
  }
  if (json.is_string()) {
    const bool ascii_only = SeededRandom(50);
    return json.dump(-1, ' ', ascii_only);
  }
  if (!json.is_structured()) {
    return json.dump();
  }
  std::string text;
  for (const auto& [name, value] : json.items()) {
    text += text.empty() ? "" : ",";
    if (json.is_object() && has_duplicate_keys_ && SeededRandom(5)) {
      text += Text(name) + ":" + WriteJson(Uncounted(value)) + ",";
    }
    if (json.is_object()) {
      text += Text(name) + space + ":";
    }
    text += space + Text(value) + space;
  }
  return json.is_object() ? "{" + text + "}" : "[" + text + "]";
}

}  // namespace gateway
