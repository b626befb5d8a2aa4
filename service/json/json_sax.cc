#include "service/json/json_sax.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

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
      : text_(text), events_(events), max_values_(max_values), values_left_(max_values) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  }

  size_t values() const { return max_values_ - values_left_; }
  size_t containers() const { return containers_; }

  // Goes on for so many values or bytes.
  std::optional<JsonEnd> Run(size_t values, size_t bytes) {
    const size_t last_value = values_left_ - std::min(values, values_left_);
    pause_at_ = at_ + std::min(bytes, text_.size() - at_);
    while (ReadNext()) {
      if (next_ == Next::kAfterValue) continue;  // which may be the end
      if (values_left_ <= last_value || at_ >= pause_at_) return std::nullopt;
    }
    return end_;
  }

  JsonEnd RunToEnd() {
    std::optional<JsonEnd> end;
    while (!end) end = Run(kAll, kAll);
    return *end;
  }

 private:
  enum class Next : uint8_t { kValue, kRestOfString, kRestOfName, kAfterValue };

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

  bool ReadNext() {
    switch (next_) {
      case Next::kValue:
        return ReadValue();
      case Next::kRestOfString:
      case Next::kRestOfName:
        return ReadString();
      case Next::kAfterValue:
        return ReadAfterValue();
    }
    return false;
  }

  // A scalar, or the beginning of an object or a list.
  bool ReadValue() {
    SkipSpace();
    if (at_ == text_.size()) return End(JsonEnd::kBroken);
    if (values_left_ == 0) return End(JsonEnd::kOverLimit);
    --values_left_;
    next_ = Next::kAfterValue;
    switch (text_[at_]) {
      case '{':
        return OnOpen(JsonContainer::kObject);
      case '[':
        return OnOpen(JsonContainer::kList);
      case '"':
        return BeginString(Next::kRestOfString);
      default:
        return ReadWord();
    }
  }

  // What comes after a value or the beginning of an object or a list, up to the next value or name.
  bool ReadAfterValue() {
    if (depth_ == 0) {
      SkipSpace();
      return End(at_ == text_.size() ? JsonEnd::kWhole : JsonEnd::kBroken);
    }
    if (Take(InObject() ? '}' : ']')) {
      --depth_;
      is_empty_ = false;
      return Told(events_.OnClose());
    }
    if (!std::exchange(is_empty_, false) && !Take(',')) return End(JsonEnd::kBroken);
    if (InObject()) return BeginName();
    next_ = Next::kValue;
    return true;
  }

  bool OnOpen(JsonContainer kind) {
    if (depth_ == kMaxJsonDepth) return End(JsonEnd::kOverLimit);
    kinds_[static_cast<size_t>(depth_++)] = kind;
    is_empty_ = true;
    ++at_;
    ++containers_;
    return Told(events_.OnOpen(kind));
  }

  bool InObject() const {
    return kinds_[static_cast<size_t>(depth_ - 1)] == JsonContainer::kObject;
  }

  bool BeginName() {
    SkipSpace();
    if (at_ == text_.size() || text_[at_] != '"') return End(JsonEnd::kBroken);
    return BeginString(Next::kRestOfName);
  }

  bool BeginString(Next rest) {
    next_ = rest;
    string_.Begin(++at_);
    return ReadString();
  }

  // As far as it gets now.
  bool ReadString() {
    switch (string_.GoOn(text_, at_, pause_at_)) {
      case JsonStringReader::State::kMore:
        return true;
      case JsonStringReader::State::kBroken:
        return End(JsonEnd::kBroken);
      case JsonStringReader::State::kWhole:
        break;
    }
    const JsonString string = string_.Result();
    if (next_ == Next::kRestOfName) {
      next_ = Next::kValue;
      if (!Told(events_.OnKey(string.text))) return false;
      return Take(':') || End(JsonEnd::kBroken);
    }
    next_ = Next::kAfterValue;
    return Told(string.is_odd ? events_.OnScalar(OddString{string.text})
                              : events_.OnScalar(string.text));
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
  const size_t max_values_;
  size_t values_left_;
  size_t containers_ = 0;
  size_t at_ = 0;
  // The objects and lists around `at_`, outermost first.
  std::array<JsonContainer, kMaxJsonDepth> kinds_{};
  int depth_ = 0;
  // True right after the innermost of them began.
  bool is_empty_ = false;
  Next next_ = Next::kValue;
  JsonStringReader string_;
  // A string is not read further at a time.
  size_t pause_at_ = 0;
  JsonEnd end_ = JsonEnd::kBroken;
};

JsonReading::JsonReading(std::string_view text, JsonSaxHandler& events, size_t max_values)
    : scanner_(std::make_unique<Scanner>(text, events, max_values)) {}

JsonReading::~JsonReading() = default;

std::optional<JsonEnd> JsonReading::ReadPiece() {
  return scanner_->Run(kJsonValuesOfPiece, kJsonBytesOfPiece);
}

size_t JsonReading::values() const { return scanner_->values(); }

size_t JsonReading::containers() const { return scanner_->containers(); }

JsonEnd ParseJson(std::string_view text, JsonSaxHandler& events, size_t max_values) {
  return JsonReading::Scanner(text, events, max_values).RunToEnd();
}

}  // namespace gateway
