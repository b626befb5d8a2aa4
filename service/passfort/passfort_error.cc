#include "service/passfort/passfort_error.h"

#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace gateway {
namespace {

bool IsNull(const JsonScalar& value) { return std::holds_alternative<std::nullptr_t>(value); }

bool IsEmpty(const JsonScalar& value) {
  const auto* text = std::get_if<std::string_view>(&value);
  return IsNull(value) || (text != nullptr && text->empty());
}

struct CodeReader {
  std::optional<int> operator()(std::string_view digits) const {
    int number = 0;
    if (!absl::SimpleAtoi(absl::string_view(digits.data(), digits.size()), &number)) {
      return std::nullopt;
    }
    return number;
  }
  std::optional<int> operator()(int64_t number) const {
    return (*this)(static_cast<double>(number));
  }
  std::optional<int> operator()(uint64_t number) const {
    return (*this)(static_cast<double>(number));
  }
  // Holds every int exactly and stays in order beyond.
  std::optional<int> operator()(double number) const {
    if (number < std::numeric_limits<int>::min() || number > std::numeric_limits<int>::max() ||
        number != std::trunc(number)) {
      return std::nullopt;
    }
    return static_cast<int>(number);
  }
  template <typename Other>
  std::optional<int> operator()(Other /*no code*/) const {
    return std::nullopt;
  }
  // Or it would be taken for a number.
  std::optional<int> operator()(bool /*no code*/) const { return std::nullopt; }
};

std::string MessageOf(const JsonScalar& value, const MessageFilter* messages) {
  if (messages == nullptr) return "";
  if (const auto* text = std::get_if<std::string_view>(&value)) return messages->Shown(*text);
  const auto* odd = std::get_if<OddString>(&value);
  return odd == nullptr ? "" : messages->Shown(odd->text);
}

class ErrorReader final : public JsonSaxHandler {
 public:
  explicit ErrorReader(const MessageFilter* messages) : messages_(messages) {}

  bool OnScalar(const JsonScalar& value) override {
    if (errors_depth_ > 0 && !IsNull(value)) {
      if (member_ == Member::kCode) ReadCode(value);
      if (member_ == Member::kMessage && depth_ == item_depth_) {
        item_.message = MessageOf(value, messages_);
      }
    }
    if (IsTheId() && !IsEmpty(value)) errors_.are_beside_an_id = true;
    member_ = Member::kOther;
    return true;
  }

  bool OnOpen(JsonContainer kind) override {
    if (depth_ == 0 && kind != JsonContainer::kObject) return false;
    if (depth_ == 1 && member_ == Member::kErrors) {
      errors_depth_ = 1;
      errors_.are_there = true;
    }
    if (IsTheId()) errors_.are_beside_an_id = true;
    ++depth_;
    const bool is_item = kind == JsonContainer::kObject && errors_depth_ > 0 && item_depth_ == 0;
    if (is_item) {
      item_depth_ = depth_;
      item_ = {};
      item_is_empty_ = true;
      item_has_code_ = false;
    }
    // A code that is no scalar is one that nobody knows.
    if (!is_item && member_ == Member::kCode && depth_ == item_depth_ + 1) item_has_code_ = true;
    member_ = Member::kOther;
    return true;
  }

  bool OnKey(std::string_view name) override {
    member_ = MemberOf(name);
    if (depth_ == 1 && member_ == Member::kErrors) {
      // Of duplicate keys the last one counts, but an ambiguous code is not forgotten.
      errors_.refusal.reset();
      errors_.unknown.reset();
      errors_.without_code.reset();
    }
    if (depth_ == item_depth_) item_is_empty_ = false;
    return true;
  }

  bool OnClose() override {
    if (depth_ == item_depth_) {
      if (!item_is_empty_) EndItem();
      item_depth_ = 0;
    }
    --depth_;
    if (depth_ == errors_depth_) errors_depth_ = 0;
    return true;
  }

  PassfortErrors TakeResult() { return std::move(errors_); }

 private:
  enum class Member { kOther, kErrors, kCode, kMessage, kId };

  static Member MemberOf(std::string_view name) {
    if (name == "errors") return Member::kErrors;
    if (name == "code") return Member::kCode;
    if (name == "message") return Member::kMessage;
    if (name == "id") return Member::kId;
    return Member::kOther;
  }

  // The value that begins is the response's own id, whatever its type.
  bool IsTheId() const { return depth_ == 1 && member_ == Member::kId; }

  void ReadCode(const JsonScalar& value) {
    const std::optional<int> code = std::visit(CodeReader(), value);
    if (code && ClassifyErrorCode(*code) == PassfortCodeClass::kInternal && !errors_.internal) {
      errors_.internal = PassfortError{.code = code};
      // Its message may come after it.
      internal_is_of_item_ = depth_ == item_depth_;
    }
    if (depth_ == item_depth_) {
      item_.code = code;
      item_has_code_ = true;
    }
  }

  void EndItem() {
    if (std::exchange(internal_is_of_item_, false)) errors_.internal->message = item_.message;
    if (ConcernsApiKey(item_.code)) errors_.names_the_key = true;
    std::optional<PassfortError>& first = FirstOfItsKind();
    if (!first) first = std::move(item_);
  }

  std::optional<PassfortError>& FirstOfItsKind() {
    if (!item_has_code_) return errors_.without_code;
    const auto code_class =
        item_.code ? ClassifyErrorCode(*item_.code) : PassfortCodeClass::kUnknown;
    if (code_class == PassfortCodeClass::kInternal) return errors_.internal;
    return code_class == PassfortCodeClass::kRefusal ? errors_.refusal : errors_.unknown;
  }

  const MessageFilter* const messages_;
  PassfortErrors errors_;
  // How many objects and lists are open.
  int depth_ = 0;
  // How many of them are outside of `errors`, and how many there are with the error object that is
  // read. 0 if none is.
  int errors_depth_ = 0;
  int item_depth_ = 0;
  Member member_ = Member::kOther;
  PassfortError item_;
  bool item_is_empty_ = true;
  bool item_has_code_ = false;
  bool internal_is_of_item_ = false;
};

}  // namespace

PassfortErrors ReadPassfortErrors(std::string_view body, const MessageFilter* messages) {
  ErrorReader reader(messages);
  const JsonEnd end = ParseJson(body, reader);
  PassfortErrors errors = reader.TakeResult();
  if (end != JsonEnd::kWhole) {
    errors = {.internal = std::move(errors.internal), .names_the_key = errors.names_the_key};
  }
  errors.end = end;
  return errors;
}

PassfortCodeClass ClassifyErrorCode(int code) {
  using enum PassfortErrorCode;
  switch (static_cast<PassfortErrorCode>(code)) {
    case kMissingRequiredFields:
    case kEntityAlreadyApproved:
    case kEntityAlreadyRejected:
    case kChargeableLimitReached:
    case kConstraintsNotSatisfied:
    case kCountryNotSupported:
    case kCheckLimitReached:
    case kInvalidInputData:
    case kDataPresent:
    case kMissingApiKey:
    case kInvalidApiKey:
    case kProcessNotSetup:
      return PassfortCodeClass::kRefusal;
    case kUserMigrationError:
    case kProviderConnectionError:
    case kProviderUnknownError:
    case kUnknownInternalError:
    case kTransitionError:
    case kLegacyError:
      return PassfortCodeClass::kInternal;
  }
  return PassfortCodeClass::kUnknown;
}

bool ConcernsApiKey(std::optional<int> code) {
  return code == PassfortErrorCode::kMissingApiKey || code == PassfortErrorCode::kInvalidApiKey;
}

}  // namespace gateway
