#include "service/rpc/response_truncation.h"

#include "service/passfort/mapping/application_truncation.h"

namespace gateway {
namespace {

// What goes first, what goes then, and what goes at last.
constexpr TruncationStep kSteps[] = {TruncationStep::kUnmapped, TruncationStep::kLists,
                                     TruncationStep::kProduct};

template <typename Response, typename LeaveOut>
ReplyTruncation Truncate(Response& response, size_t max_bytes, LeaveOut leave_out) {
  if (response.ByteSizeLong() <= max_bytes) return ReplyTruncation::kNone;
  for (const TruncationStep step : kSteps) {
    leave_out(step);
    if (response.ByteSizeLong() <= max_bytes) break;
  }
  return ReplyTruncation::kTruncated;
}

template <typename Response>
ReplyTruncation TruncateApplication(Response& response, size_t max_bytes) {
  return Truncate(response, max_bytes, [&response](TruncationStep step) {
    LeaveOut(step, *response.mutable_product_application());
  });
}

template <typename Owner>
void LeaveOutOfAll(TruncationStep step, Owner& owner) {
  for (auto& application : *owner.mutable_product_applications()) LeaveOut(step, application);
}

template <typename Response>
ReplyTruncation TruncateProfile(Response& response, size_t max_bytes) {
  pb::Profile& profile = *response.mutable_profile();
  return Truncate(response, max_bytes, [&profile](TruncationStep step) {
    if (step == TruncationStep::kUnmapped) profile.clear_unmapped();
    if (step == TruncationStep::kProduct) profile.clear_collected_data();
    LeaveOutOfAll(step, profile);
  });
}

}  // namespace

ReplyTruncation TruncateToFit(pb::AddProductApplicationResponse& response, size_t max_bytes) {
  return TruncateApplication(response, max_bytes);
}

ReplyTruncation TruncateToFit(pb::GetProductApplicationResponse& response, size_t max_bytes) {
  return TruncateApplication(response, max_bytes);
}

ReplyTruncation TruncateToFit(pb::ListProductApplicationsResponse& response, size_t max_bytes) {
  return Truncate(response, max_bytes,
                  [&response](TruncationStep step) { LeaveOutOfAll(step, response); });
}

ReplyTruncation TruncateToFit(pb::GetProfileResponse& response, size_t max_bytes) {
  return TruncateProfile(response, max_bytes);
}

ReplyTruncation TruncateToFit(pb::CreateProfileResponse& response, size_t max_bytes) {
  return TruncateProfile(response, max_bytes);
}

}  // namespace gateway
