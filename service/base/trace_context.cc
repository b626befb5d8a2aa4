#include "service/base/trace_context.h"

#include <algorithm>

namespace gateway {
namespace {

// version "-" trace-id "-" parent-id "-" trace-flags
constexpr size_t kTraceIdAt = 3;
constexpr size_t kTraceIdChars = 32;
constexpr size_t kSpanIdAt = kTraceIdAt + kTraceIdChars + 1;
constexpr size_t kSpanIdChars = 16;
constexpr size_t kFlagsAt = kSpanIdAt + kSpanIdChars + 1;
constexpr size_t kTraceparentChars = kFlagsAt + 2;

constexpr size_t kMaxTracestateMembers = 32;
constexpr size_t kMaxTracestateKeyChars = 256;
constexpr size_t kMaxTracestateValueChars = 256;
constexpr std::string_view kSpace = " \t";

constexpr char kHexDigits[] = "0123456789abcdef";

bool IsHex(std::string_view text) {
  return text.find_first_not_of(kHexDigits) == std::string_view::npos;
}

bool IsId(std::string_view text) {
  return IsHex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

void WriteHex(uint64_t value, char* out) {
  for (int shift = 60; shift >= 0; shift -= 4) *out++ = kHexDigits[(value >> shift) & 0xF];
}

// A later version may add something at the end, and nothing else.
bool HasKnownShape(std::string_view traceparent) {
  if (traceparent.size() < kTraceparentChars) return false;
  const std::string_view version = traceparent.substr(0, 2);
  if (!IsHex(version) || version == "ff") return false;
  for (const size_t dash : {kTraceIdAt - 1, kSpanIdAt - 1, kFlagsAt - 1}) {
    if (traceparent[dash] != '-') return false;
  }
  if (traceparent.size() == kTraceparentChars) return true;
  return version != "00" && traceparent[kTraceparentChars] == '-';
}

std::string_view WithoutSpaceAround(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool IsKeyChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '*' ||
         c == '/' || c == '@';
}

bool IsValueChar(char c) { return c >= ' ' && c <= '~' && c != ',' && c != '='; }

bool IsTracestateMember(std::string_view member) {
  const size_t equals = member.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view key = member.substr(0, equals);
  const std::string_view value = member.substr(equals + 1);
  return !key.empty() && key.size() <= kMaxTracestateKeyChars &&
         std::ranges::all_of(key, IsKeyChar) && !value.empty() &&
         value.size() <= kMaxTracestateValueChars && std::ranges::all_of(value, IsValueChar);
}

bool IsTracestate(std::string_view text) {
  if (text.size() > kMaxTracestateBytes) return false;
  size_t members = 0;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view member = WithoutSpaceAround(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (member.empty()) continue;  // allowed
    if (++members > kMaxTracestateMembers || !IsTracestateMember(member)) return false;
  }
  return members > 0;
}

// Of SplitMix64 (Steele, Lea, Flood 2014): different numbers for different states, far apart.
constexpr uint64_t kStep = 0x9E3779B97F4A7C15;
uint64_t Mixed(uint64_t state) {
  state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
  state = (state ^ (state >> 27)) * 0x94D049BB133111EB;
  return state ^ (state >> 31);
}

uint64_t Bits(RandomSource& random) {
  constexpr double kTwoTo32 = 4294967296.0;
  const auto high = static_cast<uint64_t>(random.Fraction() * kTwoTo32);
  return high << 32 | static_cast<uint64_t>(random.Fraction() * kTwoTo32);
}

}  // namespace

std::optional<TraceContext> TraceContext::Parse(std::string_view traceparent,
                                                std::string_view tracestate) {
  if (!HasKnownShape(traceparent)) return std::nullopt;
  const std::string_view trace_id = traceparent.substr(kTraceIdAt, kTraceIdChars);
  const std::string_view flags = traceparent.substr(kFlagsAt, 2);
  if (!IsId(trace_id) || !IsId(traceparent.substr(kSpanIdAt, kSpanIdChars)) || !IsHex(flags)) {
    return std::nullopt;
  }
  TraceContext trace;
  std::ranges::copy(trace_id, trace.trace_id_.begin());
  trace.is_sampled_ = std::string_view(kHexDigits).find(flags[1]) % 2 == 1;
  if (IsTracestate(tracestate)) trace.tracestate_ = tracestate;
  return trace;
}

std::string TraceContext::Traceparent(uint64_t span_id) const {
  std::string header(kTraceparentChars, '-');
  header.replace(0, 2, "00");
  std::ranges::copy(trace_id_, header.begin() + kTraceIdAt);
  WriteHex(span_id, header.data() + kSpanIdAt);
  header.replace(kFlagsAt, 2, is_sampled_ ? "01" : "00");
  return header;
}

TraceIds::TraceIds(RandomSource& random) : state_(Bits(random)), key_(Bits(random)) {}

uint64_t TraceIds::Next() { return state_.fetch_add(kStep, std::memory_order_relaxed); }

TraceContext TraceIds::NewTrace() {
  const uint64_t state = Next();
  TraceContext trace;
  WriteHex(Mixed(state), trace.trace_id_.data());
  // `| 1`: an id of zeros alone is none.
  WriteHex(Mixed(state ^ key_) | 1, trace.trace_id_.data() + kTraceIdChars / 2);
  return trace;
}

uint64_t TraceIds::NewSpanId() {
  uint64_t id = Mixed(Next());
  while (id == 0) id = Mixed(Next());
  return id;
}

}  // namespace gateway
