// The trace of a call (W3C Trace Context): the caller's if it named one in proper form, else a new
// one. What is not in proper form gets no further.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/integration/rpc/raw_caller.h"
#include "tests/integration/rpc/rpc_fixture.h"

namespace gateway {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

constexpr char kMethodPath[] =
    "/passfort.gateway.v1.ProductApplicationService/AddProductApplication";
constexpr char kTraceId[] = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr char kTraceparent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr char kOtherTraceparent[] = "00-11111111111111111111111111111111-00f067aa0ba902b7-01";

TEST(TraceTest, ACallIsOfTheCallersTrace) {
  RpcFixture fixture;
  grpc::ClientContext context;
  context.AddMetadata("traceparent", kTraceparent);
  context.AddMetadata("tracestate", "rojo=00f067aa0ba902b7");
  context.AddMetadata("tracestate", "congo=t61rcWkgMzE");
  ASSERT_TRUE(fixture.AddWith(context).status.ok());

  const ScriptedWriter::Asked asked = fixture.writer.asked().at(0);
  EXPECT_EQ(asked.trace_id, kTraceId);
  EXPECT_EQ(asked.tracestate, "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
  fixture.log.WaitForLine(std::string("trace_id=") + kTraceId);
}

TEST(TraceTest, ACallWithoutOneBeginsATraceOfItsOwn) {
  RpcFixture fixture;
  ASSERT_TRUE(fixture.Add().status.ok());
  ASSERT_TRUE(fixture.Add().status.ok());
  const auto asked = fixture.writer.asked();
  for (const auto& call : asked) {
    EXPECT_THAT(call.trace_id, MatchesRegex("[0-9a-f]{32}"));
    fixture.log.WaitForLine("trace_id=" + call.trace_id);
  }
  EXPECT_NE(asked.at(0).trace_id, asked.at(1).trace_id);
}

TEST(TraceTest, TheLineOfACallThatIsRefusedHasItsTrace) {
  RpcFixture fixture;
  grpc::ClientContext context;
  context.AddMetadata("traceparent", kTraceparent);
  EXPECT_FALSE(fixture.AddWith(context, {}).status.ok());
  fixture.log.WaitForLine(std::string("trace_id=") + kTraceId);
}

TEST(TraceTest, TwoTraceparentsAreNone) {
  RpcFixture fixture;
  grpc::ClientContext context;
  context.AddMetadata("traceparent", kTraceparent);
  context.AddMetadata("traceparent", kOtherTraceparent);
  context.AddMetadata("tracestate", "rojo=1");
  ASSERT_TRUE(fixture.AddWith(context).status.ok());
  const ScriptedWriter::Asked asked = fixture.writer.asked().at(0);
  EXPECT_NE(asked.trace_id, kTraceId);
  EXPECT_EQ(asked.tracestate, "");
}

// Stock clients send nothing like it.
TEST(TraceTest, WhatIsNotInProperFormGetsNoFurther) {
  RpcFixture fixture;
  const std::string line_break = std::string(kTraceparent) + "\r\nx-injected: 1";
  const std::string nul = std::string(kTraceparent) + std::string("\0", 1);
  const std::vector<RawCaller::Headers> hostile = {
      {{"traceparent", line_break}, {"tracestate", "rojo=1"}},
      {{"traceparent", nul}, {"tracestate", "rojo=1"}},
      {{"traceparent", std::string(55, '\xff')}, {"tracestate", "rojo=1"}},
      {{"traceparent", kTraceparent}, {"tracestate", "rojo=1\r\nx-injected: 1"}},
      {{"traceparent", kTraceparent}, {"tracestate", std::string("rojo=\x01\x7f\xff\0", 9)}},
      {{"traceparent", kTraceparent},
       {"tracestate", "a=" + std::string(120, 'x')},
       {"tracestate", "b=" + std::string(120, 'x')},
       {"tracestate", "c=" + std::string(120, 'x')},
       {"tracestate", "d=" + std::string(120, 'x')},
       {"tracestate", "e=" + std::string(120, 'x')}},
  };
  for (const auto& headers : hostile) {
    const RawCaller caller(fixture.server->port());
    caller.Call(kMethodPath, ARequest().SerializeAsString(), 1, headers);
    // The call itself is taken or refused as one without them.
    ASSERT_TRUE(caller.WaitForFrame(RawCaller::kHeaders));
  }
  for (const auto& asked : fixture.writer.asked()) {
    EXPECT_THAT(asked.trace_id, MatchesRegex("[0-9a-f]{32}"));
    EXPECT_EQ(asked.tracestate, "");
  }
  for (const auto& line : fixture.log.lines())
    EXPECT_THAT(line, Not(HasSubstr("injected"))) << line;
}

}  // namespace
}  // namespace gateway
