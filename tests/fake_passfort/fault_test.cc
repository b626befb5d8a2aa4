#include "tests/fake_passfort/fault.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "tests/fake_passfort/fault_json.h"
#include "tests/fake_passfort/json_reader.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using namespace std::chrono_literals;

const Route kAdd{.endpoint = Endpoint::kAdd, .profile_id = "p", .application_id = {}};
const Route kList{.endpoint = Endpoint::kList, .profile_id = "p", .application_id = {}};

bool IsOrdinary(const Fault& fault) { return fault.send == Fault::Send::kAnswer; }

std::string ProblemOf(std::string_view json) {
  const auto parsed = ParseFaults(json);
  const auto* const problem = std::get_if<std::string>(&parsed);
  return problem == nullptr ? "" : *problem;
}

TEST(FaultQueueTest, TakesAFaultOnceAndOnlyForWhatItNames) {
  FaultQueue queue;
  queue.Add({.endpoint = Endpoint::kAdd, .profile_id = "P", .send = Fault::Send::kNothing});
  const Route other_profile{.endpoint = Endpoint::kAdd, .profile_id = "q", .application_id = {}};

  EXPECT_TRUE(IsOrdinary(queue.Take("GET", kList)));
  EXPECT_TRUE(IsOrdinary(queue.Take("POST", other_profile)));
  EXPECT_FALSE(IsOrdinary(queue.Take("POST", kAdd)));
  EXPECT_TRUE(IsOrdinary(queue.Take("POST", kAdd)));
  EXPECT_EQ(queue.waiting(), 0u);
}

TEST(FaultQueueTest, LetsTheFirstOnesThrough) {
  FaultQueue queue;
  queue.Add({.method = "POST", .skip = 1, .times = 2, .send = Fault::Send::kNothing});
  std::vector<bool> ordinary;
  for (int i = 0; i < 4; ++i) ordinary.push_back(IsOrdinary(queue.Take("POST", kAdd)));
  EXPECT_THAT(ordinary, ElementsAre(true, false, false, true));
}

TEST(FaultQueueTest, TakesTheOldestFaultFirstAndOneForAlwaysForEver) {
  FaultQueue queue;
  queue.Add({.answer = {.status = 500}});
  queue.Add({.times = Fault::kAlways, .answer = {.status = 501}});
  std::vector<int> statuses;
  for (int i = 0; i < 3; ++i) statuses.push_back(queue.Take("POST", kAdd).answer.status);
  EXPECT_THAT(statuses, ElementsAre(500, 501, 501));
  EXPECT_EQ(queue.waiting(), 1u);
}

TEST(FaultTest, NamesWhatMakesNoSense) {
  EXPECT_EQ(Fault().Problem(), "");
  EXPECT_THAT(Fault{.read = Fault::Read::kHeaders}.Problem(), HasSubstr("carry_out never"));
  EXPECT_THAT(Fault{.times = 0}.Problem(), HasSubstr("times"));
  EXPECT_THAT((Fault{.answer = {.set = {{"/status", "PAUSED"}}}}.Problem()),
              HasSubstr("not JSON: PAUSED"));
  EXPECT_THAT((Fault{.answer = {.body = "x", .remove = {"/flag"}}}.Problem()),
              HasSubstr("answer.body"));
  EXPECT_THAT(
      (Fault{.carry_out = Fault::CarryOut::kNever, .answer = {.remove = {"/flag"}}}.Problem()),
      HasSubstr("there is none"));
  EXPECT_THAT((Fault{.carry_out = Fault::CarryOut::kLate, .answer = {.existing_application = true}}
                   .Problem()),
              HasSubstr("too late"));
  EXPECT_EQ((Fault{.carry_out = Fault::CarryOut::kNever,
                   .answer = {.upper_case_ids = true, .existing_application = true}}
                 .Problem()),
            "");
}

TEST(ParseFaultsTest, ReadsEveryMember) {
  const auto parsed = ParseFaults(R"([{
      "method": "POST", "endpoint": "add", "profile_id": "p", "skip": 1, "times": "always",
      "read": "whole", "hold": "before_answer", "carry_out": "late", "carry_out_after": "200ms",
      "hide": true, "reverted_id": "new", "stranger": "after", "stranger_is": "policy",
      "answer_after": "1.5s", "send": "nothing", "then": "hang"},
     {"answer": {"status": 207, "headers": {"X-A": "b"}, "set": {"/flag": null},
      "remove": ["/status"], "upper_case_ids": true, "existing_application": true, "pad_to": 1,
      "framing": "chunked", "cut_after": 2, "piece_bytes": 3, "piece_pause": "4ms"}},
     {"answer": {"body": {"errors": []}}}, {"answer": {"raw": "?"}}])");

  ASSERT_TRUE(std::holds_alternative<std::vector<Fault>>(parsed)) << std::get<std::string>(parsed);
  const auto& faults = std::get<std::vector<Fault>>(parsed);
  ASSERT_EQ(faults.size(), 4u);
  const Fault& fault = faults[0];
  EXPECT_EQ(fault.method, "POST");
  EXPECT_EQ(fault.endpoint, Endpoint::kAdd);
  EXPECT_EQ(fault.profile_id, "p");
  EXPECT_EQ(fault.skip, 1);
  EXPECT_EQ(fault.times, Fault::kAlways);
  EXPECT_EQ(fault.hold, Fault::Hold::kBeforeAnswer);
  EXPECT_EQ(fault.carry_out, Fault::CarryOut::kLate);
  EXPECT_EQ(fault.carry_out_after, 200ms);
  EXPECT_TRUE(fault.hide);
  EXPECT_EQ(fault.reverted_id, PassfortState::RevertedId::kNew);
  EXPECT_EQ(fault.stranger, Fault::Stranger::kAfter);
  EXPECT_EQ(fault.stranger_is, MadeBy::kPolicy);
  EXPECT_EQ(fault.answer_after, 1500ms);
  EXPECT_EQ(fault.send, Fault::Send::kNothing);
  EXPECT_EQ(fault.then, Fault::Then::kHang);
  const AnswerScript& answer = faults[1].answer;
  EXPECT_EQ(answer.status, 207);
  EXPECT_THAT(answer.headers, ElementsAre(Pair("X-A", "b")));
  EXPECT_THAT(answer.set, ElementsAre(Pair("/flag", "null")));
  EXPECT_THAT(answer.remove, ElementsAre("/status"));
  EXPECT_TRUE(answer.upper_case_ids);
  EXPECT_TRUE(answer.existing_application);
  EXPECT_EQ(answer.pad_to, 1u);
  EXPECT_EQ(answer.framing, AnswerScript::Framing::kChunked);
  EXPECT_EQ(answer.cut_after, 2u);
  EXPECT_EQ(answer.piece_bytes, 3u);
  EXPECT_EQ(answer.piece_pause, 4ms);
  EXPECT_EQ(faults[2].answer.body, R"({"errors":[]})");
  EXPECT_EQ(faults[3].answer.raw, "?");
}

TEST(ParseFaultsTest, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(ProblemOf(R"({"carryout": "never"})"), HasSubstr("carryout"));
  EXPECT_THAT(ProblemOf(R"({"answer": {"stauts": 500}})"), HasSubstr("stauts"));
  EXPECT_THAT(ProblemOf(R"({"carry_out": "sometimes"})"), HasSubstr("before_answer late never"));
  EXPECT_THAT(ProblemOf(R"({"endpoint": "create"})"), HasSubstr("endpoint"));
  EXPECT_THAT(ProblemOf(R"({"answer_after": "1"})"), HasSubstr("answer_after"));
  EXPECT_THAT(ProblemOf(R"({"answer": {"cut_after": -1}})"), HasSubstr("cut_after"));
  EXPECT_THAT(ProblemOf(R"({"times": "often"})"), HasSubstr("type must be number"));
  EXPECT_NE(ProblemOf("7"), "");
  EXPECT_NE(ProblemOf("{"), "");
}

TEST(ParseDurationTest, ReadsMillisecondsAndSeconds) {
  EXPECT_EQ(ParseDuration("250ms"), 250ms);
  EXPECT_EQ(ParseDuration("1s"), 1000ms);
  EXPECT_EQ(ParseDuration("0.5s"), 500ms);
  for (const char* const wrong : {"", "1", "s", "1m", "-1s", "1 s", "1e9s", "nans"}) {
    EXPECT_EQ(ParseDuration(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace gateway
