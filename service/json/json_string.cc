#include "service/json/json_string.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace gateway {
namespace {

// Bytes that stand for themselves wherever they are in a string.
constexpr std::array<bool, 256> PlainBytes() {
  std::array<bool, 256> is_plain{};
  for (size_t byte = 0; byte < 0x80; ++byte) is_plain[byte] = byte != '"' && byte != '\\';
  return is_plain;
}

constexpr std::array<bool, 256> kIsPlain = PlainBytes();

uint8_t Byte(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

bool Continues(std::string_view text, size_t at, uint8_t least, uint8_t most) {
  return at < text.size() && Byte(text, at) >= least && Byte(text, at) <= most;
}

// How many bytes the character at the beginning of `text` has; 0 if it is not well-formed UTF-8
// (table 3-7 of the Unicode standard).
size_t CharacterBytes(std::string_view text) {
  const uint8_t lead = Byte(text, 0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  if (lead < 0xE0) return Continues(text, 1, 0x80, 0xBF) ? 2 : 0;
  const uint8_t least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const uint8_t most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (!Continues(text, 1, least, most) || !Continues(text, 2, 0x80, 0xBF)) return 0;
  if (lead < 0xF0) return 3;
  return Continues(text, 3, 0x80, 0xBF) ? 4 : 0;
}

std::optional<uint32_t> HexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint32_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint32_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<uint32_t>(c - 'A' + 10);
  return std::nullopt;
}

// The UTF-16 code unit that `text` begins with as `\uXXXX`.
constexpr size_t kUnitEscapeBytes = 6;
std::optional<uint32_t> UnitEscape(std::string_view text) {
  if (text.size() < kUnitEscapeBytes || !text.starts_with("\\u")) return std::nullopt;
  uint32_t unit = 0;
  for (const char c : text.substr(2, 4)) {
    const std::optional<uint32_t> digit = HexDigit(c);
    if (!digit) return std::nullopt;
    unit = unit * 16 + *digit;
  }
  return unit;
}

bool IsHighSurrogate(uint32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool IsLowSurrogate(uint32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

void AppendCharacter(uint32_t character, std::string& text) {
  const auto append = [&text](uint32_t byte) { text += static_cast<char>(byte); };
  if (character < 0x80) return append(character);
  if (character < 0x800) {
    append(0xC0 | (character >> 6));
  } else {
    if (character < 0x10000) {
      append(0xE0 | (character >> 12));
    } else {
      append(0xF0 | (character >> 18));
      append(0x80 | ((character >> 12) & 0x3F));
    }
    append(0x80 | ((character >> 6) & 0x3F));
  }
  append(0x80 | (character & 0x3F));
}

// Of a byte that is not UTF-8: `\x` and two digits.
constexpr size_t kEscapedByteBytes = 4;

size_t PlainBytesOf(std::string_view text) {
  size_t count = 0;
  while (count < text.size() && kIsPlain[Byte(text, count)]) ++count;
  return count;
}

}  // namespace

void JsonStringReader::Begin(size_t begin) {
  begin_ = begin;
  is_copied_ = false;
  is_odd_ = false;
}

JsonStringReader::State JsonStringReader::GoOn(std::string_view text, size_t& at, size_t limit) {
  for (;;) {
    // An escape may have gone on beyond the limit.
    const size_t most = at < limit ? limit - at : 0;
    const std::string_view plain = text.substr(at, PlainBytesOf(text.substr(at, most)));
    if (is_copied_) copy_.append(plain);
    at += plain.size();
    if (at == text.size()) return State::kBroken;
    if (at >= limit) return State::kMore;
    if (text[at] == '"') {
      if (!is_copied_) plain_ = text.substr(begin_, at - begin_);
      ++at;
      return State::kWhole;
    }
    if (!is_copied_) Copy(text.substr(begin_, at - begin_));
    const std::string_view rest = text.substr(at);
    at += rest.front() == '\\' ? TakeEscape(rest) : TakeCharacter(rest);
  }
}

JsonString JsonStringReader::Result() const {
  return {.text = is_copied_ ? copy_ : plain_, .is_odd = is_odd_};
}

void JsonStringReader::Copy(std::string_view plain) {
  copy_.assign(plain);
  is_copied_ = true;
}

// What begins with a backslash. Returns how many bytes it was.
size_t JsonStringReader::TakeEscape(std::string_view rest) {
  if (const std::optional<uint32_t> unit = UnitEscape(rest)) return TakeUnit(*unit, rest);
  constexpr std::string_view kShortEscapes = "\"\\/bfnrt";
  constexpr std::string_view kTheirCharacters = "\"\\/\b\f\n\r\t";
  const size_t which = rest.size() < 2 ? std::string_view::npos : kShortEscapes.find(rest[1]);
  if (which != std::string_view::npos) {
    copy_ += kTheirCharacters[which];
    return 2;
  }
  // Not an escape, so no more than a backslash.
  is_odd_ = true;
  copy_ += '\\';
  return 1;
}

size_t JsonStringReader::TakeUnit(uint32_t unit, std::string_view rest) {
  if (IsHighSurrogate(unit)) {
    const std::optional<uint32_t> low = UnitEscape(rest.substr(kUnitEscapeBytes));
    if (low && IsLowSurrogate(*low)) {
      AppendCharacter(0x10000 + ((unit - 0xD800) << 10) + (*low - 0xDC00), copy_);
      return 2 * kUnitEscapeBytes;
    }
  }
  if (IsHighSurrogate(unit) || IsLowSurrogate(unit)) {
    is_odd_ = true;
    copy_.append(rest.substr(0, kUnitEscapeBytes));
  } else {
    AppendCharacter(unit, copy_);
  }
  return kUnitEscapeBytes;
}

// What begins with a byte from 0x80 on. Returns how many bytes it was.
size_t JsonStringReader::TakeCharacter(std::string_view rest) {
  const size_t bytes = CharacterBytes(rest);
  if (bytes > 0) {
    copy_.append(rest.substr(0, bytes));
    return bytes;
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  // It gets longer than it was, four times at most. To grow and copy it again and again takes
  // tens of milliseconds for a megabyte; what is reserved and not used costs nothing.
  if (copy_.capacity() - copy_.size() < kEscapedByteBytes) {
    copy_.reserve(copy_.size() + kEscapedByteBytes * rest.size());
  }
  is_odd_ = true;
  const std::array<char, kEscapedByteBytes> escape = {'\\', 'x', kDigits[Byte(rest, 0) >> 4],
                                                      kDigits[Byte(rest, 0) & 0xF]};
  copy_.append(escape.data(), escape.size());
  return 1;
}

}  // namespace gateway
