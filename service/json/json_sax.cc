#include "service/json/json_sax.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>

#include "service/json/json_number.h"
#include "service/json/json_string.h"

namespace gateway {
namespace {

enum class ByteKind : uint8_t { kOther, kSpace, kWord };

constexpr std::array<ByteKind, 256> ByteKinds() {
  std::array<ByteKind, 256> kinds{};
  for (const unsigned char space : {' ', '\t', '\r', '\n'}) kinds[space] = ByteKind::kSpace;
  for (unsigned char c = '0'; c <= '9'; ++c) kinds[c] = ByteKind::kWord;
  for (unsigned char c = 'a'; c <= 'z'; ++c) kinds[c] = ByteKind::kWord;
  for (unsigned char c = 'A'; c <= 'Z'; ++c) kinds[c] = ByteKind::kWord;
  for (const unsigned char sign : {'+', '-', '.', '_'}) kinds[sign] = ByteKind::kWord;
  return kinds;
}

constexpr std::array<ByteKind, 256> kByteKinds = ByteKinds();

ByteKind KindOf(char byte) { return kByteKinds[static_cast<unsigned char>(byte)]; }

constexpr size_t kAll = std::numeric_limits<size_t>::max();

}  // namespace

// One reading of one text. The functions return false where it ends.
class JsonReading::Scanner {
 public:
  Scanner(std::string_view text, JsonSaxHandler& events, size_t max_values)
      : text_(text), events_(events), values_left_(max_values) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  }

  // Goes on for so many values or bytes, at least one value.
  std::optional<JsonEnd> Run(size_t values, size_t bytes) {
    const size_t last_value = values_left_ - std::min(values, values_left_);
    const size_t last_byte = at_ + std::min(bytes, text_.size() - at_);
    while (ReadValue() && ReadUpToNextValue()) {
      if (values_left_ <= last_value || at_ >= last_byte) return std::nullopt;
    }
    return end_;
  }

  JsonEnd RunToEnd() {
    std::optional<JsonEnd> end;
    while (!end) end = Run(kAll, kAll);
    return *end;
  }

 private:
  bool End(JsonEnd end) {
    end_ = end;
    return false;
  }

  // Passes on what a function of the events returned.
  bool Told(bool goes_on) { return goes_on || End(JsonEnd::kStopped); }

  void SkipSpace() {
    while (at_ < text_.size() && KindOf(text_[at_]) == ByteKind::kSpace) ++at_;
  }

  // Takes the next byte but space if it is `byte`.
  bool Take(char byte) {
    SkipSpace();
    if (at_ == text_.size() || text_[at_] != byte) return false;
    ++at_;
    return true;
  }

  // A scalar, or the beginning of an object up to the name of its first member, or of a list.
  bool ReadValue() {
    SkipSpace();
    if (at_ == text_.size()) return End(JsonEnd::kBroken);
    if (values_left_ == 0) return End(JsonEnd::kOverLimit);
    --values_left_;
    switch (text_[at_]) {
      case '{':
        return OnOpen(JsonContainer::kObject);
      case '[':
        return OnOpen(JsonContainer::kList);
      case '"': {
        const std::optional<JsonString> string = ReadString();
        if (!string) return End(JsonEnd::kBroken);
        return Told(string->is_odd ? events_.OnScalar(OddString{string->text})
                                   : events_.OnScalar(string->text));
      }
      default:
        return ReadWord();
    }
  }

  // Goes on until a value has to come: false at the end of the text, too.
  bool ReadUpToNextValue() {
    while (depth_ > 0) {
      if (is_empty_) {
        is_empty_ = false;
        if (!Take(InObject() ? '}' : ']')) return !InObject() || ReadName();
      } else if (Take(',')) {
        return !InObject() || ReadName();
      } else if (!Take(InObject() ? '}' : ']')) {
        return End(JsonEnd::kBroken);
      }
      --depth_;
      if (!Told(events_.OnClose(at_))) return false;
    }
    SkipSpace();
    return End(at_ == text_.size() ? JsonEnd::kWhole : JsonEnd::kBroken);
  }

  bool OnOpen(JsonContainer kind) {
    if (depth_ == kMaxJsonDepth) return End(JsonEnd::kOverLimit);
    kinds_[static_cast<size_t>(depth_++)] = kind;
    is_empty_ = true;
    return Told(events_.OnOpen(kind, at_++));
  }

  bool InObject() const {
    return kinds_[static_cast<size_t>(depth_ - 1)] == JsonContainer::kObject;
  }

  bool ReadName() {
    SkipSpace();
    if (at_ == text_.size() || text_[at_] != '"') return End(JsonEnd::kBroken);
    const std::optional<JsonString> name = ReadString();
    if (!name) return End(JsonEnd::kBroken);
    if (!Told(events_.OnKey(name->text))) return false;
    return Take(':') || End(JsonEnd::kBroken);
  }

  std::optional<JsonString> ReadString() {
    std::string_view rest = text_.substr(at_ + 1);
    const std::optional<JsonString> string = ReadJsonString(rest, buffer_);
    at_ = text_.size() - rest.size();
    return string;
  }

  bool ReadWord() {
    const size_t begin = at_;
    while (at_ < text_.size() && KindOf(text_[at_]) == ByteKind::kWord) ++at_;
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (word.empty()) return End(JsonEnd::kBroken);
    return Told(events_.OnScalar(ValueOf(word)));
  }

  static JsonScalar ValueOf(std::string_view word) {
    if (word == "null") return nullptr;
    if (word == "true") return true;
    if (word == "false") return false;
    return ReadJsonNumber(word);
  }

  const std::string_view text_;
  JsonSaxHandler& events_;
  size_t values_left_;
  size_t at_ = 0;
  // The objects and lists around `at_`, outermost first.
  std::array<JsonContainer, kMaxJsonDepth> kinds_{};
  int depth_ = 0;
  // True right after the innermost of them began.
  bool is_empty_ = false;
  // What ReadString returned, unless that is a part of `text_`.
  std::string buffer_;
  JsonEnd end_ = JsonEnd::kBroken;
};

JsonReading::JsonReading(std::string_view text, JsonSaxHandler& events, size_t max_values)
    : scanner_(std::make_unique<Scanner>(text, events, max_values)) {}

JsonReading::~JsonReading() = default;

std::optional<JsonEnd> JsonReading::ReadPiece() {
  return scanner_->Run(kJsonValuesOfPiece, kJsonBytesOfPiece);
}

JsonEnd JsonReading::ReadToEnd() { return scanner_->RunToEnd(); }

JsonEnd ParseJson(std::string_view text, JsonSaxHandler& events, size_t max_values) {
  return JsonReading::Scanner(text, events, max_values).RunToEnd();
}

}  // namespace gateway
