#include "tests/fake_passfort/passfort_state.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

namespace gateway {
namespace {

constexpr std::array kCatalogue = {
    FakeProduct{.id = "b0ce7c17-2cab-86e7-9a83-ebee0d4d5dc8",
                .alias = "forexo_basic",
                .name = "Forexo Basic Account",
                .task_type = "INDIVIDUAL_VERIFY_IDENTITY",
                .automatically_approve = false},
    FakeProduct{.id = "6cceb65e-d86b-11e9-b8b6-7a5deda3a0a3",
                .alias = "forexo_associate",
                .name = "Forexo Associate",
                .task_type = "INDIVIDUAL_VERIFY_IDENTITY",
                .automatically_approve = true},
    FakeProduct{.id = "2a6e1f3c-1647-11e8-b642-0ed5f89f718b",
                .alias = "forexo_business",
                .name = "Forexo Business Account",
                .task_type = "COMPANY_VERIFY_IDENTITY",
                .automatically_approve = false},
    FakeProduct{.id = "0d9a6e34-7c15-4b28-9f60-1e8a5c7b3d42",
                .alias = "forexo_starter",
                .name = "Forexo Starter Account",
                .task_type = "INDIVIDUAL_VERIFY_IDENTITY",
                .automatically_apply = true,
                .automatically_approve = false},
};

constexpr std::string_view kMissingProfilePrefix = "00000000";

void Enter(FakeApplication& application, std::string_view flag, WallTime now) {
  application.flag = flag;
  application.flag_history.push_back(
      {.status = application.status, .flag = application.flag, .date = now});
}

bool IsFinal(const FakeApplication& application) {
  return application.status == "REJECTED" || application.status == "CANCELLED";
}

bool HasBlockers(const FakeApplication& application) {
  return application.flag != "READY_FOR_DECISION" && application.flag != "DECIDED";
}

bool MayBecome(std::string_view from, std::string_view to) {
  if (from == "APPLIED") return to == "APPROVED" || to == "REJECTED";
  if (from == "APPROVED") return to == "IN_REVIEW" || to == "CANCELLED";
  if (from == "IN_REVIEW") return to == "APPROVED" || to == "CANCELLED";
  return false;
}

}  // namespace

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

bool LooksLikeUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash ? text[i] != '-' : !std::isxdigit(static_cast<unsigned char>(text[i])))
      return false;
  }
  return true;
}

std::span<const FakeProduct> FakeCatalogue() { return kCatalogue; }

const FakeProduct* FindFakeProduct(std::string_view alias, std::string_view id) {
  const std::string lower_id = LowerCase(id);
  const auto found = std::ranges::find_if(kCatalogue, [&](const FakeProduct& product) {
    return alias.empty() ? product.id == lower_id : product.alias == alias;
  });
  return found == kCatalogue.end() ? nullptr : &*found;
}

bool PassfortState::ProfileExists(std::string_view profile_id) {
  return LooksLikeUuid(profile_id) && !profile_id.starts_with(kMissingProfilePrefix);
}

FakeProfile& PassfortState::CreateProfile(std::string_view role, std::string_view collected_data,
                                          WallTime now) {
  std::string id = NewId();
  while (!ProfileExists(id)) id = NewId();
  FakeProfile& profile = created_[id];
  profile = {.id = id,
             .role = std::string(role),
             .collected_data = std::string(collected_data),
             .creation_date = now};
  return profile;
}

const FakeProfile* PassfortState::FindCreated(std::string_view profile_id) const {
  const auto found = created_.find(LowerCase(profile_id));
  return found == created_.end() ? nullptr : &found->second;
}

std::vector<FakeApplication>& PassfortState::Applications(std::string_view profile_id) {
  return profiles_[LowerCase(profile_id)];
}

void PassfortState::Forget(std::string_view profile_id) {
  created_.erase(LowerCase(profile_id));
  profiles_.erase(LowerCase(profile_id));
}

FakeApplication* PassfortState::Find(std::string_view profile_id, std::string_view application_id) {
  std::vector<FakeApplication>& applications = Applications(profile_id);
  const auto found =
      std::ranges::find(applications, LowerCase(application_id), &FakeApplication::id);
  return found == applications.end() ? nullptr : &*found;
}

FakeApplication& PassfortState::Add(std::string_view profile_id, const FakeProduct& product,
                                    std::string_view associated_role, MadeBy made_by,
                                    WallTime now) {
  FakeApplication application{.id = NewId(),
                              .product = &product,
                              .associated_role = std::string(associated_role),
                              .status = "APPLIED",
                              .flag = {},
                              .hidden = false,
                              .shows_alias = true,
                              .made_by = made_by,
                              .history = {{.status = "APPLIED", .comment = {}, .date = now}},
                              .flag_history = {}};
  Enter(application, "AUTOMATING", now);
  return Applications(profile_id).emplace_back(std::move(application));
}

void PassfortState::MoveOn(FakeApplication& application, WallTime now) {
  if (application.status != "APPLIED" || application.hidden) return;
  if (application.flag == "AUTOMATING") {
    Enter(application, "WAITING_ON_CHECKS", now);
  } else if (application.flag == "WAITING_ON_CHECKS" &&
             application.product->automatically_approve) {
    ForceStatus(application, "APPROVED", now);
  } else if (application.flag == "WAITING_ON_CHECKS") {
    Enter(application, "REQUIRES_MANUAL_TASK_COMPLETION", now);
  } else if (application.flag == "REQUIRES_MANUAL_TASK_COMPLETION") {
    Enter(application, "READY_FOR_DECISION", now);
  }
}

void PassfortState::CatchUp(FakeApplication& application, std::chrono::milliseconds every,
                            WallTime now) {
  while (application.flag_history.back().date + every <= now) {
    const size_t steps = application.flag_history.size();
    MoveOn(application, application.flag_history.back().date + every);
    if (application.flag_history.size() == steps) return;
  }
}

std::optional<Refusal> PassfortState::Decide(FakeApplication& application, std::string_view status,
                                             std::string_view comment, WallTime now) {
  if (application.status == status && status == "APPROVED") {
    return Refusal{422, 102, "the application is approved already"};
  }
  if (application.status == status && status == "REJECTED") {
    return Refusal{422, 103, "the application is rejected already"};
  }
  if (!MayBecome(application.status, status)) {
    return Refusal{422, 402, "no transition from " + application.status};
  }
  if (status == "APPROVED" && HasBlockers(application)) {
    return Refusal{422, 105, "the application has approval blockers"};
  }
  ForceStatus(application, status, now);
  application.history.back().comment = comment;
  return std::nullopt;
}

void PassfortState::ForceStatus(FakeApplication& application, std::string_view status,
                                WallTime now) {
  application.status = status;
  application.history.push_back({.status = application.status, .comment = {}, .date = now});
  const bool is_decided = status == "APPROVED" || IsFinal(application);
  Enter(application, is_decided ? "DECIDED" : "REQUIRES_MANUAL_TASK_COMPLETION", now);
}

std::optional<Refusal> PassfortState::Revert(std::string_view profile_id,
                                             std::string_view application_id,
                                             RevertedId reverted_id, WallTime now,
                                             FakeApplication& reverted) {
  FakeApplication* const found = Find(profile_id, application_id);
  if (found == nullptr) return Refusal{404, 0, "no such application"};
  if (!IsFinal(*found)) return Refusal{422, 402, "only a rejection or cancellation is reverted"};

  FakeApplication next = *found;
  next.history.pop_back();
  next.status = next.history.back().status;
  Enter(next, next.status == "APPLIED" ? "AUTOMATING" : "DECIDED", now);
  if (reverted_id == RevertedId::kSame) {
    *found = next;
  } else {
    next.id = NewId();
    found->hidden = true;
    Applications(profile_id).push_back(next);
  }
  reverted = std::move(next);
  return std::nullopt;
}

std::string PassfortState::NewId() {
  const uint64_t high = random_();
  const uint64_t low = random_();
  std::array<char, 37> text;
  std::snprintf(text.data(), text.size(), "%08x-%04x-%04x-%04x-%012llx",
                static_cast<unsigned>(high >> 32), static_cast<unsigned>(high >> 16 & 0xffff),
                static_cast<unsigned>(high & 0xffff), static_cast<unsigned>(low >> 48),
                static_cast<unsigned long long>(low & 0xffff'ffff'ffff));
  return text.data();
}

}  // namespace gateway
