#include "service/observability/json_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace gateway {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

bool IsContinuation(char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; }

// The length of the valid UTF-8 sequence of two to four bytes at the start of `text`, or 0. The
// second byte's range depends on the first (Unicode 15, table 3-7): that leaves out overlong forms,
// surrogates and what is above U+10FFFF.
size_t MultiByteLength(std::string_view text) {
  const auto first = static_cast<uint8_t>(text[0]);
  if (first < 0xC2 || first > 0xF4) return 0;
  const size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (text.size() < length) return 0;
  const auto second = static_cast<uint8_t>(text[1]);
  const uint8_t lowest = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const uint8_t highest = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (second < lowest || second > highest) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (!IsContinuation(text[i])) return 0;
  }
  return length;
}

void AppendControl(char c, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  const auto value = static_cast<uint8_t>(c);
  out += "\\u00";
  out += kHex[value >> 4];
  out += kHex[value & 0xF];
}

}  // namespace

void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  size_t plain_from = 0;  // what needs no change is appended in one piece
  size_t i = 0;
  const auto append_plain = [&] { out.append(text, plain_from, i - plain_from); };
  while (i < text.size()) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\') {
      ++i;
      continue;
    }
    if (const size_t length = byte < 0x80 ? 0 : MultiByteLength(text.substr(i)); length > 0) {
      i += length;
      continue;
    }
    append_plain();
    if (byte >= 0x80) {
      out += kReplacement;
    } else if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[i];
    } else {
      AppendControl(text[i], out);
    }
    plain_from = ++i;
  }
  append_plain();
  out += '"';
}

void AppendJsonNumber(double number, std::string& out) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  std::array<char, 32> digits;  // the shortest form of a double has at most 24 characters
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), end.ptr);
}

}  // namespace gateway
