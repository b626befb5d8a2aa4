#include "service/passfort/mapping/application_list.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "service/http/http_client.h"
#include "service/json/json_sax.h"
#include "service/passfort/http_status.h"
#include "service/passfort/mapping/enum_names.h"

namespace gateway {

// Reads a list of applications. Members of another type than documented are absent, and of
// duplicate keys the last one counts.
class ApplicationListReading::Reader final : public JsonSaxHandler {
 public:
  Reader(size_t text_bytes, std::string_view profile_id)
      : asked_profile_id_(profile_id.data(), profile_id.size()) {
    // Most items are longer, and what is reserved and not used costs nothing.
    constexpr size_t kBytesOfShortItem = 256;
    list_.applications.reserve(text_bytes / kBytesOfShortItem);
  }

  bool OnScalar(const JsonScalar& value) override {
    if (depth_ == 0) return false;
    if (depth_ == kInList) list_.is_complete = false;
    if (std::string* field = std::exchange(field_, nullptr)) *field = TextOf(value, Longest());
    if (depth_ == kInItem) inner_ = Inner::kOther;
    return true;
  }

  bool OnOpen(JsonContainer kind) override {
    if (depth_ == 0 && kind != JsonContainer::kList) return false;
    if (depth_ == kInList) {
      item_ = {};
      status_.clear();
      flag_.clear();
      profile_id_.clear();
      profile_.clear();
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

  bool OnClose() override {
    --depth_;
    if (depth_ == kInItem) inner_ = Inner::kOther;
    if (depth_ == kInList) EndItem();
    return true;
  }

  // An item says that it belongs to another profile than the one asked for.
  bool names_another_profile() const { return names_another_profile_; }

  ApplicationList TakeResult(bool may_be_whole) {
    if (!may_be_whole) list_.is_complete = false;
    return std::move(list_);
  }

 private:
  // No id or role is longer. Megabytes would be copied with all that is made of the list.
  static constexpr size_t kMaxComparedBytes = 1024;
  // More of a product than a record keeps.
  static constexpr size_t kMaxProductBytes = 4096;

  // How many objects and lists are around the next value.
  static constexpr int kInList = 1;
  static constexpr int kInItem = 2;
  // Which object inside of an item it is.
  enum class Inner { kOther, kProduct, kProfile };

  size_t Longest() const {
    return inner_ == Inner::kProduct ? kMaxProductBytes : kMaxComparedBytes;
  }

  static std::string TextOf(const JsonScalar& value, size_t longest) {
    std::string_view text;
    if (const auto* whole = std::get_if<std::string_view>(&value)) text = *whole;
    if (const auto* odd = std::get_if<OddString>(&value)) text = odd->text;
    // A part of a text that is too long still differs from all that are not.
    return std::string(text.substr(0, longest + 1));
  }

  void NameInItem(std::string_view name) {
    inner_ = Inner::kOther;
    if (name == "id") {
      field_ = &item_.id;
    } else if (name == "associated_role") {
      field_ = &item_.associated_role;
    } else if (name == "status") {
      field_ = &status_;
    } else if (name == "flag") {
      field_ = &flag_;
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

  // Returns what it was before if that was different.
  static std::string ToLowerCase(std::string& id) {
    std::string lower = absl::AsciiStrToLower(id);
    if (lower == id) return {};
    id.swap(lower);
    return lower;
  }

  void EndItem() {
    if (IsAnother(profile_id_) || IsAnother(profile_)) names_another_profile_ = true;
    if (item_.id.empty() || item_.id.size() > kMaxComparedBytes) {
      list_.is_complete = false;
      return;
    }
    item_.sent_id = ToLowerCase(item_.id);
    item_.sent_product_id = ToLowerCase(item_.product_id);
    item_.status = ValueOf(kStatuses, status_);
    item_.flag = ValueOf(kFlags, flag_);
    list_.applications.push_back(std::move(item_));
  }

  const absl::string_view asked_profile_id_;
  ApplicationList list_;
  int depth_ = 0;
  Inner inner_ = Inner::kOther;
  // Where the next value goes. Null if nothing needs it.
  std::string* field_ = nullptr;
  // The item that is read.
  ListedApplication item_;
  std::string status_;
  std::string flag_;
  // Its `profile_id`, and the `id` of its `profile`: not documented, so mostly empty.
  std::string profile_id_;
  std::string profile_;
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
      reader_(std::make_unique<Reader>(response.body.size(), profile_id)),
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

// What is read of each item is in the body too; ids in upper case are kept in both.
size_t ApplicationListReading::BytesOf(const ApiResponse& response) const {
  const auto& list = *std::static_pointer_cast<const ApplicationList>(response.value);
  return 2 * response_.body.size() + list.applications.size() * 2 * sizeof(ListedApplication);
}

pb::ProductApplication ApplicationOf(const ListedApplication& listed) {
  pb::ProductApplication application;
  application.set_id(listed.sent_id.empty() ? listed.id : listed.sent_id);
  application.mutable_product()->set_id(listed.sent_product_id.empty() ? listed.product_id
                                                                       : listed.sent_product_id);
  application.mutable_product()->set_alias(listed.product_alias);
  application.set_associated_role(ValueOf(kAssociatedRoles, listed.associated_role));
  application.set_status(listed.status);
  application.set_flag(listed.flag);
  return application;
}

}  // namespace gateway
