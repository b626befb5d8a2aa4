#include "service/passfort/message_filter.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"

namespace gateway {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

struct Range {
  char32_t first;
  char32_t last;
};

// Unicode 15.1, general category Cf: they are not shown themselves, but hide, join or turn round
// what is.
constexpr std::array kFormat = {
    Range{0xAD, 0xAD},       Range{0x600, 0x605},     Range{0x61C, 0x61C},
    Range{0x6DD, 0x6DD},     Range{0x70F, 0x70F},     Range{0x890, 0x891},
    Range{0x8E2, 0x8E2},     Range{0x180E, 0x180E},   Range{0x200B, 0x200F},
    Range{0x202A, 0x202E},   Range{0x2060, 0x206F},   Range{0xFEFF, 0xFEFF},
    Range{0xFFF9, 0xFFFB},   Range{0x110BD, 0x110BD}, Range{0x110CD, 0x110CD},
    Range{0x13430, 0x1343F}, Range{0x1BCA0, 0x1BCA3}, Range{0x1D173, 0x1D17A},
    Range{0xE0001, 0xE007F}};

bool IsFormat(char32_t character) {
  if (character < kFormat.front().first) return false;
  return std::ranges::any_of(kFormat, [character](const Range& range) {
    return range.first <= character && character <= range.last;
  });
}

bool IsControlOrLineBreak(char32_t character) {
  return character < 0x20 || (character >= 0x7F && character <= 0x9F) || character == 0x2028 ||
         character == 0x2029;
}

// Takes the first character of `text`, U+FFFD for a byte that begins none (RFC 3629).
char32_t TakeCharacter(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  text.remove_prefix(1);
  if (first < 0x80) return first;
  const size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  if (first < 0xC2 || first > 0xF4 || text.size() < more) return kReplacement;
  char32_t character = first & (0x3Fu >> more);
  for (size_t i = 0; i < more; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) != 0x80) return kReplacement;
    character = character << 6 | (byte & 0x3Fu);
  }
  constexpr std::array<char32_t, 4> kLeast = {0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = character >= 0xD800 && character <= 0xDFFF;
  if (character < kLeast[more] || character > 0x10FFFF || is_surrogate) return kReplacement;
  text.remove_prefix(more);
  return character;
}

void Append(char32_t character, std::string& text) {
  const auto put = [&text](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (character < 0x80) return put(character);
  if (character < 0x800) {
    put(0xC0 | character >> 6);
  } else if (character < 0x10000) {
    put(0xE0 | character >> 12);
    put(0x80 | (character >> 6 & 0x3F));
  } else {
    put(0xF0 | character >> 18);
    put(0x80 | (character >> 12 & 0x3F));
    put(0x80 | (character >> 6 & 0x3F));
  }
  put(0x80 | (character & 0x3F));
}

std::string Cleaned(std::string_view text) {
  std::string cleaned;
  while (!text.empty()) {
    const char32_t character = TakeCharacter(text);
    if (IsFormat(character)) continue;
    Append(IsControlOrLineBreak(character) ? U' ' : character, cleaned);
  }
  return cleaned;
}

std::string_view Cut(std::string_view text, size_t longest) {
  if (text.size() <= longest) return text;
  const auto continues_a_character = [](char byte) { return (byte & 0xC0) == 0x80; };
  while (longest > 0 && continues_a_character(text[longest])) --longest;
  return text.substr(0, longest);
}

bool IsHtml(std::string_view text) {
  const size_t first = text.find_first_not_of(' ');
  return first != std::string_view::npos && text[first] == '<';
}

std::optional<char> ByteOf(std::string_view digits) {
  int value = 0;
  for (const char digit : digits) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(digit))) return std::nullopt;
    value = value * 16 + (absl::ascii_isdigit(static_cast<unsigned char>(digit))
                              ? digit - '0'
                              : absl::ascii_tolower(static_cast<unsigned char>(digit)) - 'a' + 10);
  }
  return value < 0x80 ? std::optional(static_cast<char>(value)) : std::nullopt;
}

// With %41, \u0041, \x41 and \/ as what they stand for, and in lower case. What stands for a
// character beyond ASCII stays: no key has one.
std::string Unescaped(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size();) {
    size_t escape = 0;  // its length before the digits
    size_t digits = 2;
    if (text[i] == '%') escape = 1;
    if (text.substr(i).starts_with("\\x")) escape = 2;
    if (text.substr(i).starts_with("\\u")) {
      escape = 2;
      digits = 4;
    }
    const bool is_whole = escape > 0 && i + escape + digits <= text.size();
    const auto byte = is_whole ? ByteOf(text.substr(i + escape, digits)) : std::nullopt;
    if (byte) {
      plain.push_back(*byte);
      i += escape + digits;
      continue;
    }
    if (text[i] != '\\') plain.push_back(text[i]);
    ++i;
  }
  absl::AsciiStrToLower(&plain);
  return plain;
}

}  // namespace

MessageFilter::MessageFilter(std::vector<std::string> keys) {
  // A shorter part of a key may be a word.
  constexpr size_t kMinPart = 8;
  for (std::string& key : keys) {
    if (key.empty()) continue;
    absl::AsciiStrToLower(&key);
    if (key.size() >= 2 * kMinPart) {
      key_parts_.push_back(key.substr(0, kMinPart));
      key_parts_.push_back(key.substr(key.size() - kMinPart));
    } else {
      key_parts_.push_back(std::move(key));
    }
  }
}

std::string MessageFilter::Shown(std::string_view text) const {
  const std::string cleaned = Cleaned(text);
  if (IsHtml(cleaned) || HoldsKey(cleaned)) return "";
  return std::string(Cut(cleaned, kLongest));
}

bool MessageFilter::HoldsKey(std::string_view text) const {
  const std::string as_it_is = absl::AsciiStrToLower(absl::string_view(text.data(), text.size()));
  // What is escaped twice is found the second time.
  const std::string once = Unescaped(text);
  const std::string twice = Unescaped(once);
  return std::ranges::any_of(key_parts_, [&](const std::string& part) {
    return as_it_is.find(part) != std::string::npos || once.find(part) != std::string::npos ||
           twice.find(part) != std::string::npos;
  });
}

}  // namespace gateway
