#include "service/passfort/mapping/etag_builder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <variant>

#include "absl/strings/escaping.h"
#include "service/base/sha256.h"

namespace gateway {
namespace {

constexpr size_t kEtagBytes = 16;

// What is longer stands in the canonical form by its digest: megabytes would be copied and sorted.
constexpr size_t kMaxVerbatimBytes = 1024;

// The text of a number that is the same for all ways to write it. The longest double has 24
// characters.
class NumberName {
 public:
  explicit NumberName(double number) {
    // An integer is named as one, however it was written.
    constexpr double kTwoTo63 = 9223372036854775808.0;
    if (number == std::trunc(number) && std::abs(number) < kTwoTo63) {
      Print(static_cast<int64_t>(number));
    } else {
      Print(number);
    }
  }
  explicit NumberName(int64_t number) { Print(number); }
  explicit NumberName(uint64_t number) { Print(number); }

  std::string_view text() const { return {characters_.data(), size_}; }

 private:
  template <typename Number>
  void Print(Number number) {
    const auto end =
        std::to_chars(characters_.data(), characters_.data() + characters_.size(), number).ptr;
    size_ = static_cast<size_t>(end - characters_.data());
  }

  std::array<char, 32> characters_;
  size_t size_ = 0;
};

}  // namespace

void EtagBuilder::Append(char kind, std::string_view bytes) {
  std::array<char, 12> head;
  size_t used = 0;
  head[used++] = kind;
  size_t size = bytes.size();
  for (; size >= 0x80; size >>= 7) head[used++] = static_cast<char>(size | 0x80);
  head[used++] = static_cast<char>(size);
  text_.append(head.data(), used);
  if (bytes.size() > kMaxVerbatimBytes) {
    text_.append(Sha256(bytes));
  } else {
    text_.append(bytes);
  }
}

void EtagBuilder::OnScalar(const JsonScalar& value) {
  struct Appender {
    EtagBuilder& to;
    void operator()(std::nullptr_t) const { to.text_.push_back('z'); }
    void operator()(bool truth) const { to.text_.push_back(truth ? 't' : 'f'); }
    void operator()(int64_t number) const { to.Append('n', NumberName(number).text()); }
    void operator()(uint64_t number) const { to.Append('n', NumberName(number).text()); }
    void operator()(double number) const { to.Append('n', NumberName(number).text()); }
    void operator()(NumberText number) const { to.Append('n', number.digits); }
    void operator()(OddString string) const { to.Append('o', string.text); }
    void operator()(OddWord word) const { to.Append('w', word.text); }
    void operator()(std::string_view text) const { to.Append('s', text); }
  };
  const size_t begin = EntryBegin();
  if (IsInObject() && std::holds_alternative<std::nullptr_t>(value)) {
    text_.resize(begin);
    return;
  }
  std::visit(Appender{*this}, value);
  AddEntry(begin);
}

void EtagBuilder::AddEntry(size_t begin) {
  std::array<unsigned char, sizeof(uint64_t)> first{};
  std::memcpy(first.data(), text_.data() + begin, std::min(first.size(), text_.size() - begin));
  uint64_t head = 0;
  for (const unsigned char byte : first) head = head << 8 | byte;
  entries_.push_back({.begin = begin, .end = text_.size(), .head = head});
}

void EtagBuilder::OnOpen(JsonContainer kind) {
  if (open_.empty()) {
    // For an ordinary application; buffers that grow cost more than the rest.
    constexpr size_t kTextBytes = 2048;
    constexpr size_t kEntries = 64;
    text_.reserve(kTextBytes);
    entries_.reserve(kEntries);
    open_.reserve(8);
  }
  open_.push_back({.kind = kind, .begin = EntryBegin(), .first_entry = entries_.size()});
  text_.push_back(kind == JsonContainer::kObject ? '{' : '[');
}

void EtagBuilder::OnKey(std::string_view name) {
  key_begin_ = text_.size();
  Append('k', name);
}

bool EtagBuilder::OnClose() {
  const Container closed = open_.back();
  open_.pop_back();
  Sort(closed.first_entry);
  entries_.resize(closed.first_entry);
  text_.push_back('}');
  AddEntry(closed.begin);
  return open_.empty();
}

// The entries lie one behind another, up to the end of the text.
void EtagBuilder::Sort(size_t first_entry) {
  const auto first = entries_.begin() + static_cast<std::ptrdiff_t>(first_entry);
  const auto bytes = [this](const Entry& entry) {
    return std::string_view(text_).substr(entry.begin, entry.end - entry.begin);
  };
  const auto is_less = [&bytes](const Entry& a, const Entry& b) {
    return a.head != b.head ? a.head < b.head : bytes(a) < bytes(b);
  };
  if (std::is_sorted(first, entries_.end(), is_less)) return;
  const size_t begin = first->begin;
  std::sort(first, entries_.end(), is_less);
  sorted_.clear();
  for (auto entry = first; entry != entries_.end(); ++entry) sorted_.append(bytes(*entry));
  text_.replace(begin, std::string::npos, sorted_);
}

std::string EtagBuilder::TakeEtag() {
  const std::string digest = Sha256(text_);
  text_.clear();
  entries_.clear();
  return absl::WebSafeBase64Escape(
      absl::string_view(digest.data(), std::min(digest.size(), kEtagBytes)));
}

}  // namespace gateway
