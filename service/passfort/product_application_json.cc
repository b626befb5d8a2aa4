#include "service/passfort/product_application_json.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/passfort/application_reader.h"
#include "service/passfort/enum_names.h"
#include "service/passfort/json_equal_names.h"

namespace gateway {
namespace {

using nlohmann::json;

// One application, which has an id.
class OneApplication final : public ApplicationReader {
 public:
  OneApplication() { Begin(application_); }

  std::optional<pb::ProductApplication> TakeResult() {
    if (application_.id().empty()) return std::nullopt;
    return std::move(application_);
  }

 private:
  pb::ProductApplication application_;
};

// A list of applications, each of which has an id.
class Items final : public JsonEvents {
 public:
  bool Scalar(const JsonScalar& value) override { return item_.is_open() && item_.Scalar(value); }

  bool Open(JsonContainer kind, size_t begin) override {
    if (!is_open_) {
      is_open_ = true;
      return kind == JsonContainer::kList;
    }
    if (!item_.is_open()) item_.Begin(list_.emplace_back());
    return item_.Open(kind, begin);
  }

  bool Name(std::string_view name) override { return item_.Name(name); }

  bool Close(size_t end) override {
    if (!item_.is_open()) return true;  // the list itself
    return item_.Close(end) && (item_.is_open() || !list_.back().id().empty());
  }

  bool found_equal_names() const { return item_.found_equal_names(); }
  std::optional<std::vector<pb::ProductApplication>> TakeResult() { return std::move(list_); }

 private:
  bool is_open_ = false;
  std::vector<pb::ProductApplication> list_;
  ApplicationReader item_;
};

template <typename Reader>
auto Read(std::string_view text, size_t max_values) -> decltype(Reader().TakeResult()) {
  Reader reader;
  if (ReadJsonEvents(text, reader, max_values) == JsonEnd::kWhole) return reader.TakeResult();
  if (!reader.found_equal_names()) return std::nullopt;
  // The last one counts, but another one was read before.
  Reader second_reader;
  if (ReadLastOfEqualNames(text, second_reader, max_values) != JsonEnd::kWhole) return std::nullopt;
  return second_reader.TakeResult();
}

// Text as a JSON string. U+FFFD for what is not UTF-8: no product has such an alias.
std::string Quoted(std::string_view text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::optional<pb::ProductApplication> ReadProductApplication(std::string_view text) {
  return Read<OneApplication>(text, kMaxJsonValues);
}

std::optional<std::vector<pb::ProductApplication>> ReadProductApplications(std::string_view text) {
  return Read<Items>(text, kMaxJsonValuesOfList);
}

std::string CreateApplicationJson(std::string_view product_alias, std::string_view product_id,
                                  pb::AssociatedRole associated_role) {
  std::string body = product_alias.empty()
                         ? absl::StrCat(R"({"product":{"id":)", Quoted(product_id), "}")
                         : absl::StrCat(R"({"product":{"alias":)", Quoted(product_alias), "}");
  const std::string_view role = AssociatedRoleJsonName(associated_role);
  if (!role.empty()) {
    absl::StrAppend(&body, R"(,"associated_role":)", Quoted(role));
  }
  return body + "}";
}

std::string_view AssociatedRoleJsonName(pb::AssociatedRole role) {
  const auto found =
      std::ranges::find(kAssociatedRoles, role, &EnumName<pb::AssociatedRole>::value);
  return found == std::end(kAssociatedRoles) ? std::string_view() : found->name;
}

}  // namespace gateway
