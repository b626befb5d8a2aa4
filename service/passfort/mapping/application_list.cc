#include "service/passfort/mapping/application_list.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "service/http/http_client.h"
#include "service/json/json_sax.h"
#include "service/passfort/http_status.h"
#include "service/passfort/mapping/product_application_json.h"

namespace gateway {

// Reads a list of applications, of each what it is compared by. Members of another type than
// documented are absent, and of duplicate keys the last one counts.
class ApplicationListReading::Reader final : public JsonSaxHandler {
 public:
  Reader(std::string_view text, std::string_view profile_id)
      : text_(text), asked_profile_id_(profile_id.data(), profile_id.size()) {
    // Most items are longer, and what is reserved and not used costs nothing.
    constexpr size_t kBytesOfShortItem = 256;
    list_.applications.reserve(text.size() / kBytesOfShortItem);
  }

  bool OnScalar(const JsonScalar& value) override {
    if (depth_ == 0) return false;
    if (depth_ == kInList) list_.is_complete = false;
    if (std::string* field = std::exchange(field_, nullptr)) *field = TextOf(value);
    if (depth_ == kInItem) inner_ = Inner::kOther;
    return true;
  }

  bool OnOpen(JsonContainer kind, size_t begin) override {
    if (depth_ == 0 && kind != JsonContainer::kList) return false;
    if (depth_ == kInList) {
      item_ = {};
      profile_id_.clear();
      profile_.clear();
      begin_ = begin;
      is_in_object_ = kind == JsonContainer::kObject;
    }
    if (depth_ == kInItem && kind != JsonContainer::kObject) inner_ = Inner::kOther;
    field_ = nullptr;
    ++depth_;
    return true;
  }

  bool OnKey(std::string_view name) override {
    field_ = nullptr;
    if (depth_ == kInItem && is_in_object_) {
      NameInItem(name);
    } else if (depth_ == kInItem + 1) {
      NameInside(name);
    }
    return true;
  }

  bool OnClose(size_t end) override {
    --depth_;
    if (depth_ == kInItem) inner_ = Inner::kOther;
    if (depth_ == kInList) EndItem(end);
    return true;
  }

  // An item says that it belongs to another profile than the one asked for.
  bool names_another_profile() const { return names_another_profile_; }

  ApplicationList TakeResult(bool may_be_whole) {
    if (!may_be_whole) list_.is_complete = false;
    return std::move(list_);
  }

 private:
  // No id, alias or role is longer. Megabytes would be copied with all that is made of the list.
  static constexpr size_t kMaxComparedBytes = 1024;

  // How many objects and lists are around the next value.
  static constexpr int kInList = 1;
  static constexpr int kInItem = 2;
  // Which object inside of an item it is.
  enum class Inner { kOther, kProduct, kProfile };

  static std::string TextOf(const JsonScalar& value) {
    std::string_view text;
    if (const auto* whole = std::get_if<std::string_view>(&value)) text = *whole;
    if (const auto* odd = std::get_if<OddString>(&value)) text = odd->text;
    // A part of a text that is too long still differs from all that are not.
    return std::string(text.substr(0, kMaxComparedBytes + 1));
  }

  void NameInItem(std::string_view name) {
    inner_ = Inner::kOther;
    if (name == "id") {
      field_ = &item_.id;
    } else if (name == "associated_role") {
      field_ = &item_.associated_role;
    } else if (name == "profile_id") {
      field_ = &profile_id_;
    } else if (name == "product") {
      inner_ = Inner::kProduct;
      item_.product_alias.clear();
      item_.product_id.clear();
    } else if (name == "profile") {
      inner_ = Inner::kProfile;
      profile_.clear();
    }
    // What a duplicate key had does not count.
    if (field_ != nullptr) field_->clear();
  }

  void NameInside(std::string_view name) {
    if (inner_ == Inner::kProduct && name == "alias") field_ = &item_.product_alias;
    if (inner_ == Inner::kProduct && name == "id") field_ = &item_.product_id;
    if (inner_ == Inner::kProfile && name == "id") field_ = &profile_;
    if (field_ != nullptr) field_->clear();
  }

  bool IsAnother(const std::string& profile_id) const {
    return !profile_id.empty() && !absl::EqualsIgnoreCase(profile_id, asked_profile_id_);
  }

  void EndItem(size_t end) {
    if (IsAnother(profile_id_) || IsAnother(profile_)) names_another_profile_ = true;
    if (item_.id.empty() || item_.id.size() > kMaxComparedBytes) {
      list_.is_complete = false;
      return;
    }
    absl::AsciiStrToLower(&item_.id);
    absl::AsciiStrToLower(&item_.product_id);
    item_.json = text_.substr(begin_, end - begin_);
    list_.applications.push_back(std::move(item_));
  }

  const std::string_view text_;
  const absl::string_view asked_profile_id_;
  ApplicationList list_;
  int depth_ = 0;
  Inner inner_ = Inner::kOther;
  // Where the next value goes. Null if it is not compared.
  std::string* field_ = nullptr;
  // The item that is read.
  ListedApplication item_;
  // Its `profile_id`, and the `id` of its `profile`: not documented, so mostly empty.
  std::string profile_id_;
  std::string profile_;
  size_t begin_ = 0;
  bool is_in_object_ = false;
  bool names_another_profile_ = false;
};

namespace {

using Cause = NotExecuted::Cause;

NotExecuted NotTheList(Cause cause, const HttpResponse& response) {
  return {.cause = cause, .response = ResponseSummary{.http_status = response.status}};
}

}  // namespace

ApplicationListReading::ApplicationListReading(const HttpResponse& response,
                                               std::string_view profile_id)
    : response_(response),
      reader_(std::make_unique<Reader>(response.body, profile_id)),
      json_(response.body, *reader_, kMaxJsonValuesOfList) {}

ApplicationListReading::~ApplicationListReading() = default;

bool ApplicationListReading::ReadPiece() {
  if (!IsSuccess(response_.status)) return true;
  const std::optional<JsonEnd> end = json_.ReadPiece();
  end_ = end.value_or(end_);
  return end.has_value();
}

ReadResponse ApplicationListReading::TakeOutcome(absl::Time now, const MessageFilter* messages) {
  if (end_ == JsonEnd::kOverLimit) return {NotTheList(Cause::kResponseTooLarge, response_)};
  if (end_ != JsonEnd::kWhole) {
    return {ToReadOutcome(OutcomeOfResponse(response_, std::nullopt, now, messages))};
  }
  if (reader_->names_another_profile()) {
    return {.outcome = NotTheList(Cause::kUnreadable, response_),
            .remark = "Passfort listed applications of another profile; the list is not used"};
  }
  return {
      ApiResponse{std::make_shared<ApplicationList>(reader_->TakeResult(MayBeWhole(response_)))}};
}

// The text of each item, and what it is compared by.
size_t ApplicationListReading::BytesOf(const ApiResponse& response) const {
  const auto& list = *std::static_pointer_cast<const ApplicationList>(response.value);
  return response_.body.size() + list.applications.size() * 2 * sizeof(ListedApplication);
}

pb::ProductApplication ApplicationOf(const ListedApplication& listed) {
  auto application = ReadProductApplication(listed.json, kMaxJsonValuesOfList);
  if (application) return *std::move(application);
  // Not from a list, then.
  pb::ProductApplication known;
  known.set_id(listed.id);
  return known;
}

}  // namespace gateway
