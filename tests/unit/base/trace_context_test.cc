#include "service/base/trace_context.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fakes/scripted_random.h"

namespace gateway {
namespace {

constexpr char kTraceId[] = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr char kTraceparent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr uint64_t kSpanId = 0x53995c3f42cd8ad8;

struct ParentCase {
  std::string name;
  std::string traceparent;
  bool is_valid = false;
};

class TraceparentTest : public testing::TestWithParam<ParentCase> {};

TEST_P(TraceparentTest, IsTakenOnlyIfItIsValid) {
  const auto trace = TraceContext::Parse(GetParam().traceparent, "");
  ASSERT_EQ(trace.has_value(), GetParam().is_valid);
  if (trace) EXPECT_EQ(trace->trace_id(), kTraceId);
}

// From the specification (W3C Trace Context, 2.2 and 4), where it says what is invalid.
INSTANTIATE_TEST_SUITE_P(
    All, TraceparentTest,
    testing::Values(
        ParentCase{"OfTheSpecification", kTraceparent, true},
        ParentCase{"NotSampled", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true},
        ParentCase{"UnknownFlags", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe", true},
        ParentCase{"LaterVersion", "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true},
        ParentCase{"LaterVersionWithMore",
                   "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes", true},
        ParentCase{"LaterVersionWithMoreUnparted",
                   "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what-comes"},
        ParentCase{"Version00WithMore",
                   "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes"},
        ParentCase{"VersionFF", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
        ParentCase{"VersionNoHex", "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
        ParentCase{"Empty", ""}, ParentCase{"VersionOnly", "00"},
        ParentCase{"UpperCaseTraceId", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"},
        ParentCase{"UpperCaseVersion", "CC-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
        ParentCase{"TraceIdOfZeros", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"},
        ParentCase{"ParentIdOfZeros", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"},
        ParentCase{"ParentIdNoHex", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bg-01"},
        ParentCase{"FlagsNoHex", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x"},
        ParentCase{"FlagsTooShort", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1"},
        ParentCase{"OtherSeparator", "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01"},
        ParentCase{"SpaceAround", " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
        ParentCase{"LineBreak", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"},
        ParentCase{"Two",
                   "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01,"
                   "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}),
    [](const auto& row) { return row.param.name; });

struct StateCase {
  std::string name;
  std::string tracestate;
  bool is_valid = false;
};

std::string Members(int count) {
  std::string list;
  for (int i = 0; i < count; ++i) list += (i > 0 ? ",k" : "k") + std::to_string(i) + "=v";
  return list;
}

class TracestateTest : public testing::TestWithParam<StateCase> {};

TEST_P(TracestateTest, IsPassedOnAsItCameOrDropped) {
  const auto trace = TraceContext::Parse(kTraceparent, GetParam().tracestate);
  ASSERT_TRUE(trace.has_value());
  EXPECT_EQ(trace->trace_id(), kTraceId);
  EXPECT_EQ(trace->tracestate(), GetParam().is_valid ? GetParam().tracestate : "");
}

INSTANTIATE_TEST_SUITE_P(
    All, TracestateTest,
    testing::Values(
        StateCase{"One", "rojo=00f067aa0ba902b7", true},
        StateCase{"SpaceAndEmptyMembers", "a=1 ,,\tb@tenant=2 x,", true},
        StateCase{"ThirtyTwoMembers", Members(32), true},
        StateCase{"ThirtyThreeMembers", Members(33)},
        StateCase{"TheLongest",
                  "a=" + std::string(250, 'x') + ",b=" + std::string(257 - 1, 'x') + ",", true},
        StateCase{"TooLong", "a=" + std::string(256, 'x') + ",b=" + std::string(252, 'x')},
        StateCase{"ValueTooLong", "a=" + std::string(257, 'x')}, StateCase{"Empty", ""},
        StateCase{"OnlyCommas", ",,"}, StateCase{"NoValue", "a="}, StateCase{"NoKey", "=1"},
        StateCase{"NoEquals", "a"}, StateCase{"TwoEquals", "a=1=2"},
        StateCase{"UpperCaseKey", "A=1"}, StateCase{"KeyWithSpace", "a b=1"},
        StateCase{"LineBreak", "a=1\r\nx-injected: 1"}, StateCase{"Nul", std::string("a=1\0b", 5)},
        StateCase{"Delete", "a=\x7f"}, StateCase{"NotAscii", "a=\xc3\xa9"}),
    [](const auto& row) { return row.param.name; });

// Whatever comes in, what goes on is a header of hexadecimal digits and one of bounded printable
// ASCII.
TEST(TraceContextTest, NothingButDigitsAndPrintableAsciiGoesOn) {
  std::mt19937 random(17);
  const std::string alphabet("0f-=,a@ \t\r\n\0\x7f\xc3Z", 15);
  int taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string parent = kTraceparent;
    std::string state = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE";
    for (auto* text : {&parent, &state}) {
      for (auto changes = random() % 3; changes > 0; --changes) {
        const size_t at = random() % (text->size() + 1);
        const char c = alphabet[random() % alphabet.size()];
        if (random() % 2 == 0 && at < text->size()) {
          (*text)[at] = c;
        } else {
          text->insert(at, random() % 40 == 0 ? 500 : 1, c);
        }
      }
    }
    const auto trace = TraceContext::Parse(parent, state);
    if (!trace) continue;
    ++taken;
    const std::string header = trace->Traceparent(kSpanId);
    ASSERT_EQ(header.size(), 55U);
    ASSERT_EQ(header.find_first_not_of("0123456789abcdef-"), std::string::npos) << header;
    ASSERT_LE(trace->tracestate().size(), kMaxTracestateBytes);
    for (const char c : trace->tracestate()) ASSERT_TRUE((c >= ' ' && c <= '~') || c == '\t');
    // What goes on is taken in its turn.
    ASSERT_TRUE(TraceContext::Parse(header, "").has_value());
  }
  EXPECT_GT(taken, 1'000);
}

TEST(TraceContextTest, ARequestHasTheTraceIdASpanIdOfItsOwnAndTheSampledFlag) {
  const auto sampled = TraceContext::Parse(kTraceparent, "");
  EXPECT_EQ(sampled->Traceparent(kSpanId),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-53995c3f42cd8ad8-01");
  const auto later_version =
      TraceContext::Parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe-what-comes", "");
  EXPECT_EQ(later_version->Traceparent(1),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000001-00");
}

TEST(TraceIdsTest, NewTracesAreValidNotSampledAndAllDifferent) {
  ScriptedRandom random{{0.1, 0.2, 0.3, 0.4}};
  TraceIds ids(random);
  std::set<std::string, std::less<>> seen;
  for (int i = 0; i < 1'000; ++i) {
    const TraceContext trace = ids.NewTrace();
    const std::string header = trace.Traceparent(ids.NewSpanId());
    EXPECT_TRUE(header.ends_with("-00")) << header;
    const auto parsed = TraceContext::Parse(header, "");
    ASSERT_TRUE(parsed.has_value()) << header;
    EXPECT_TRUE(seen.emplace(parsed->trace_id()).second);
    EXPECT_TRUE(seen.emplace(header.substr(36, 16)).second);
  }
}

TEST(TraceIdsTest, TwoProcessesMakeOtherIds) {
  ScriptedRandom one{{0.1, 0.2, 0.3, 0.4}};
  ScriptedRandom other{{0.5, 0.6, 0.7, 0.8}};
  EXPECT_NE(TraceIds(one).NewTrace().trace_id(), TraceIds(other).NewTrace().trace_id());
}

}  // namespace
}  // namespace gateway
