#include "tests/fake_passfort/fault.h"

#include <nlohmann/json.hpp>

namespace gateway {
namespace {

using Json = nlohmann::ordered_json;

bool IsPointer(const std::string& text) {
  try {
    return !Json::json_pointer(text).empty();
  } catch (const Json::exception&) {
    return false;
  }
}

bool Fits(const Fault& fault, std::string_view method, const Route& route) {
  return (fault.method.empty() || fault.method == method) &&
         (fault.endpoint == Endpoint::kAny || fault.endpoint == route.endpoint) &&
         (fault.profile_id.empty() || LowerCase(fault.profile_id) == LowerCase(route.profile_id));
}

std::string ProfileCreateProblem(const Fault& fault) {
  if (fault.endpoint != Endpoint::kProfileCreate) return "";
  if (!fault.profile_id.empty()) return "profile_create has no profile_id yet";
  if (fault.stranger != Fault::Stranger::kNobody) {
    return "profile_create has no profile yet to which a stranger could add";
  }
  if (fault.answer.existing_application) return "profile_create has no existing application";
  return "";
}

bool ChangesOrdinaryBody(const AnswerScript& answer) {
  return !answer.set.empty() || !answer.remove.empty() || answer.upper_case_ids;
}

std::string AnswerProblem(const AnswerScript& answer) {
  if (answer.status != 0 && (answer.status < 200 || answer.status > 599)) {
    return "answer.status is not from 200 to 599";
  }
  for (const auto& [pointer, value] : answer.set) {
    if (!IsPointer(pointer)) return "answer.set: not a JSON pointer to a member: " + pointer;
    if (!Json::accept(value)) return "answer.set: not JSON: " + value;
  }
  for (const std::string& pointer : answer.remove) {
    if (!IsPointer(pointer)) return "answer.remove: not a JSON pointer to a member: " + pointer;
  }
  const bool edits = ChangesOrdinaryBody(answer) || answer.existing_application;
  if (answer.body && edits) return "answer.body replaces what the other members would change";
  const bool shapes = answer.status != 0 || !answer.headers.empty() || answer.body || edits;
  if (!answer.raw.empty() && shapes) return "answer.raw replaces the whole answer";
  if (answer.piece_bytes == 0 && answer.piece_pause.count() > 0) {
    return "answer.piece_pause needs answer.piece_bytes";
  }
  return "";
}

}  // namespace

std::string Fault::Problem() const {
  if (skip < 0) return "skip is negative";
  if (times < 1) return "times is below 1";
  if (read == Read::kHeaders && carry_out != CarryOut::kNever) {
    return "read headers needs carry_out never: without a body nothing can be executed";
  }
  if (read == Read::kHeaders && stranger != Stranger::kNobody) {
    return "read headers leaves unknown what a stranger should add";
  }
  if (carry_out == CarryOut::kLate && answer.existing_application) {
    return "answer.existing_application is looked up when the request is executed: too late";
  }
  const std::string profile_problem = ProfileCreateProblem(*this);
  if (!profile_problem.empty()) return profile_problem;
  const bool has_ordinary_body =
      carry_out == CarryOut::kBeforeAnswer || answer.existing_application;
  if (!has_ordinary_body && ChangesOrdinaryBody(answer)) {
    return "answer.set, remove and upper_case_ids change the ordinary body, and there is none";
  }
  return AnswerProblem(answer);
}

void FaultQueue::Add(Fault fault) { waiting_.push_back(std::move(fault)); }

void FaultQueue::ClearOf(std::string_view profile_id) {
  waiting_.remove_if([lower = LowerCase(profile_id)](const Fault& fault) {
    return LowerCase(fault.profile_id) == lower;
  });
}

Fault FaultQueue::Take(std::string_view method, const Route& route) {
  for (auto fault = waiting_.begin(); fault != waiting_.end(); ++fault) {
    if (!Fits(*fault, method, route)) continue;
    if (fault->skip > 0) {
      --fault->skip;
      continue;
    }
    Fault taken = *fault;
    if (fault->times != Fault::kAlways && --fault->times == 0) waiting_.erase(fault);
    return taken;
  }
  return {};
}

}  // namespace gateway
