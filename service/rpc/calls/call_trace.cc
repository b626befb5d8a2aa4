#include "service/rpc/calls/call_trace.h"

#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace gateway {
namespace {

grpc::string_ref GrpcText(std::string_view text) { return {text.data(), text.size()}; }

std::string_view StdText(grpc::string_ref text) { return {text.data(), text.size()}; }

}  // namespace

TraceContext TraceOf(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata,
                     TraceIds& ids) {
  const auto [parent, no_parent] = metadata.equal_range(GrpcText(kTraceparentHeader));
  if (std::distance(parent, no_parent) != 1) return ids.NewTrace();
  std::string state;
  const auto [first_state, end] = metadata.equal_range(GrpcText(kTracestateHeader));
  for (auto part = first_state; part != end; ++part) {
    if (part != first_state) state += ',';
    state += StdText(part->second);
  }
  auto trace = TraceContext::Parse(StdText(parent->second), state);
  return trace.has_value() ? *std::move(trace) : ids.NewTrace();
}

}  // namespace gateway
