#include "tests/soak/fault_catalog.h"

#include <string>
#include <utility>

namespace gateway::soak {
namespace {

using namespace std::chrono_literals;
using CarryOut = Fault::CarryOut;
using Framing = AnswerScript::Framing;
using Read = Fault::Read;
using Send = Fault::Send;
using Stranger = Fault::Stranger;
using Then = Fault::Then;

constexpr size_t kTooLarge = 2 * 1024 * 1024;
constexpr char kHtml[] = "<html><head><title>Bad gateway</title></head><body></body></html>";

std::string ErrorBody(int code) {
  return R"({"errors": [{"code": )" + std::to_string(code) + R"(, "message": ")" +
         std::string(kPersonCanary) + R"("}]})";
}

// The application is created, and nothing is said.
Fault Lost(Then then) { return {.endpoint = Endpoint::kAdd, .send = Send::kNothing, .then = then}; }

// Neither.
Fault Dropped(Then then) {
  return {.endpoint = Endpoint::kAdd,
          .carry_out = CarryOut::kNever,
          .send = Send::kNothing,
          .then = then};
}

Fault Made(AnswerScript answer) {
  return {.endpoint = Endpoint::kAdd, .answer = std::move(answer)};
}

Fault NotMade(AnswerScript answer) {
  return {.endpoint = Endpoint::kAdd, .carry_out = CarryOut::kNever, .answer = std::move(answer)};
}

Fault Refused(int status, int code) { return NotMade({.status = status, .body = ErrorBody(code)}); }

std::vector<MenuItem> MakeMenu() {
  return {
      // The connection goes.
      {.name = "dropped before it was read",
       .faults = {{.endpoint = Endpoint::kAdd,
                   .read = Read::kHeaders,
                   .carry_out = CarryOut::kNever,
                   .send = Send::kNothing,
                   .then = Then::kReset}}},
      {.name = "dropped before it was made (reset)", .faults = {Dropped(Then::kReset)}},
      {.name = "dropped before it was made (close)", .faults = {Dropped(Then::kClose)}},
      {.name = "made, answer lost (reset)", .faults = {Lost(Then::kReset)}},
      {.name = "made, answer lost (close)", .faults = {Lost(Then::kClose)}},
      {.name = "made late, after the connection has gone",
       .faults = {{.endpoint = Endpoint::kAdd,
                   .carry_out = CarryOut::kLate,
                   .carry_out_after = kLatest,
                   .send = Send::kNothing,
                   .then = Then::kReset}}},
      {.name = "made and hidden, answer lost",
       .faults = {{.endpoint = Endpoint::kAdd,
                   .hide = true,
                   .send = Send::kNothing,
                   .then = Then::kReset}}},
      // Time passes.
      {.name = "hangs, made", .faults = {Lost(Then::kHang)}},
      {.name = "hangs, not made", .faults = {Dropped(Then::kHang)}},
      {.name = "slow answer", .faults = {{.endpoint = Endpoint::kAdd, .answer_after = 1500ms}}},
      {.name = "slow body", .faults = {Made({.piece_bytes = 64, .piece_pause = 20ms})}},
      // Answers that leave it open.
      {.name = "502, not made", .faults = {NotMade({.status = 502, .body = kHtml})}},
      {.name = "503, made", .faults = {Made({.status = 503, .body = kHtml})}},
      {.name = "408, not made", .faults = {NotMade({.status = 408})}},
      {.name = "code 401 in an object, made",
       .faults = {Made({.body = R"({"errors": {"code": 401}})"})}},
      {.name = "cut body, made", .faults = {Made({.framing = Framing::kChunked, .cut_after = 99})}},
      {.name = "oversized body, made", .faults = {Made({.pad_to = kTooLarge})}},
      {.name = "no JSON, made", .faults = {Made({.body = "all is well"})}},
      // Refusals.
      {.name = "400, code 101", .faults = {Refused(400, 101)}},
      {.name = "200 with code 201", .faults = {Refused(200, 201)}},
      {.name = "403", .faults = {NotMade({.status = 403})}},
      {.name = "404", .faults = {NotMade({.status = 404})}},
      {.name = "409", .faults = {NotMade({.status = 409})}},
      {.name = "code 105", .faults = {Refused(422, 105)}},
      {.name = "code 107, the quota", .faults = {Refused(200, 107)}},
      {.name = "key refused", .faults = {Refused(401, 204)}},
      {.name = "redirect",
       .faults = {NotMade({.status = 307, .headers = {{"Location", "http://127.0.0.1/"}}})}},
      {.name = "lost, then 409", .faults = {Lost(Then::kReset), NotMade({.status = 409})}},
      // The rate limit.
      {.name = "429, Retry-After",
       .faults = {NotMade({.status = 429, .headers = {{"Retry-After", "0.2"}}})}},
      {.name = "429, X-RateLimit-Retry-Secs",
       .faults = {NotMade({.status = 429, .headers = {{"X-RateLimit-Retry-Secs", "0.2"}}})}},
      // Answers that are unlike the guide's.
      {.name = "unknown members and values",
       .faults = {Made({.set = {{"/status", "\"PAUSED\""},
                                {"/weight", R"({"of": [1, null, {"it": 2e9}]})"},
                                {"/note", "\"" + std::string(kPersonCanary) + "\""}}})}},
      {.name = "nulls",
       .faults = {Made({.set = {{"/flag", "null"}, {"/required_tasks", "[null]"}}})}},
      {.name = "ids in upper case", .faults = {Made({.upper_case_ids = true})}},
      {.name = "closed after the answer",
       .faults = {{.endpoint = Endpoint::kAdd,
                   .answer = {.framing = Framing::kConnectionClose},
                   .then = Then::kClose}}},
      // The list, which at most once asks for.
      {.name = "list: 503 twice",
       .faults = {{.endpoint = Endpoint::kList,
                   .times = 2,
                   .carry_out = CarryOut::kNever,
                   .answer = {.status = 503, .body = kHtml}}}},
      {.name = "list: hangs",
       .faults = {{.endpoint = Endpoint::kList, .send = Send::kNothing, .then = Then::kHang}}},
      {.name = "lost, then the list: cut",
       .faults = {Lost(Then::kReset),
                  {.endpoint = Endpoint::kList, .skip = 1, .answer = {.cut_after = 1}}}},
      {.name = "lost, then the list: no alias",
       .faults = {Lost(Then::kClose),
                  {.endpoint = Endpoint::kList,
                   .skip = 1,
                   .answer = {.remove = {"/product/alias"}}}}},
      // Somebody else.
      {.name = "a stranger's beside it, answer lost",
       .faults = {{.endpoint = Endpoint::kAdd,
                   .stranger = Stranger::kAfter,
                   .send = Send::kNothing,
                   .then = Then::kReset}},
       .has_stranger = true},
      {.name = "a stranger's instead of it, answer lost",
       .faults = {{.endpoint = Endpoint::kAdd,
                   .carry_out = CarryOut::kNever,
                   .stranger = Stranger::kBefore,
                   .send = Send::kNothing,
                   .then = Then::kReset}},
       .has_stranger = true},
  };
}

}  // namespace

const std::vector<MenuItem>& FaultMenu() {
  static const auto* const menu = new std::vector<MenuItem>(MakeMenu());
  return *menu;
}

}  // namespace gateway::soak
