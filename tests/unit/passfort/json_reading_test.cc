// Long texts are read in pieces, and what is read of them does not depend on that.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "service/json/json_duplicate_keys.h"
#include "service/json/json_sax.h"

namespace gateway {
namespace {

using testing::Each;
using testing::Le;
using testing::SizeIs;

// Counts what it is told, and keeps the last of it.
class Counter final : public JsonSaxHandler {
 public:
  size_t values = 0;
  std::string told;

  bool OnScalar(const JsonScalar& value) override {
    if (const auto* text = std::get_if<std::string_view>(&value))
      return Tell(std::string(*text), 1);
    if (const auto* odd = std::get_if<OddString>(&value))
      return Tell("odd " + std::string(odd->text), 1);
    return Tell("scalar", 1);
  }
  bool OnOpen(JsonContainer kind) override {
    return Tell(kind == JsonContainer::kList ? "[" : "{", 1);
  }
  bool OnKey(std::string_view name) override { return Tell(std::string(name), 0); }
  bool OnClose() override { return Tell("/", 0); }

 private:
  bool Tell(const std::string& event, size_t count) {
    told += event + ' ';
    values += count;
    return true;
  }
};

struct Pieces {
  std::vector<size_t> values;  // of each piece
  std::string told;
  JsonEnd end = JsonEnd::kBroken;
};

Pieces ReadInPieces(const std::string& text, size_t max_values = kMaxJsonValuesOfList) {
  Counter counter;
  JsonReading reading(text, counter, max_values);
  Pieces pieces;
  std::optional<JsonEnd> end;
  while (!end) {
    const size_t before = counter.values;
    end = reading.ReadPiece();
    pieces.values.push_back(counter.values - before);
  }
  pieces.end = *end;
  pieces.told = std::move(counter.told);
  return pieces;
}

std::string ListOf(const std::string& unit, int units) {
  std::string list = "[" + unit;
  for (int i = 1; i < units; ++i) list += ", " + unit;
  return list + "]";
}

// Of more than one piece.
std::string Long(const std::string& unit) {
  std::string text;
  while (text.size() < kJsonBytesOfPiece + 100) text += unit;
  return text;
}

TEST(JsonReadingTest, TellsInPiecesWhatItTellsAtOnce) {
  const std::string item = R"({"id": "a", "unknown": [[1, 2], {"b": "\ud83d"}]})";
  std::string cut_off = ListOf(item, 2'000);
  cut_off.pop_back();
  const std::string too_deep =
      "[" + ListOf("0", 5'000) + "," + std::string(kMaxJsonDepth, '[') + "]";
  std::vector<std::string> texts = {ListOf(item, 3'000),
                                    ListOf("\xEF", 10'000),
                                    cut_off,
                                    too_deep,
                                    "\xEF\xBB\xBF" + ListOf("0", 5'000),
                                    "[]",
                                    ""};
  // A piece ends within an escape or a character, too, and right before and after one.
  for (const std::string unit :
       {"a", "\\n", "\\ud83d", "\\ud83d\\ude00", "\xFF", "\xF0\x9F\x98\x80", "\\q"}) {
    for (size_t first = 0; first < 6; ++first) {
      const std::string long_text = '"' + std::string(first, 'a') + Long(unit) + '"';
      texts.push_back("[" + long_text + ", 1]");
      texts.push_back("{" + long_text + ": [" + long_text + "]}");
      texts.push_back("[" + long_text.substr(0, long_text.size() - 1));
    }
  }
  for (const std::string& text : texts) {
    Counter at_once;
    const JsonEnd end = ParseJson(text, at_once, kMaxJsonValuesOfList);
    const Pieces pieces = ReadInPieces(text);
    EXPECT_EQ(pieces.end, end) << text.substr(0, 20);
    EXPECT_EQ(pieces.told, at_once.told) << text.substr(0, 20);
  }
}

TEST(JsonReadingTest, APieceHasABoundedNumberOfValues) {
  const Pieces pieces = ReadInPieces(ListOf("0", 19'999));
  EXPECT_EQ(pieces.end, JsonEnd::kWhole);
  EXPECT_THAT(pieces.values, SizeIs(20'000 / kJsonValuesOfPiece));
  EXPECT_THAT(pieces.values, Each(Le(kJsonValuesOfPiece)));
}

TEST(JsonReadingTest, CountsItsValues) {
  const std::string text = ListOf("0", 4'999);
  Counter counter;
  JsonReading reading(text, counter, kMaxJsonValuesOfList);
  EXPECT_EQ(reading.values(), 0u);
  std::optional<JsonEnd> end;
  while (!end) end = reading.ReadPiece();
  EXPECT_EQ(end, JsonEnd::kWhole);
  EXPECT_EQ(reading.values(), 5'000u);
  EXPECT_EQ(reading.containers(), 1u);
}

TEST(LastOfDuplicateKeysReadingTest, ReadsTwiceAndInPieces) {
  const std::string text = R"({"a": 1, "b": )" + ListOf("0", 9'999) + R"(, "a": 2})";
  Counter counter;
  LastOfDuplicateKeysReading reading(text, counter, kMaxJsonValues);
  int pieces = 1;
  std::optional<JsonEnd> end;
  for (; !(end = reading.ReadPiece()); ++pieces) {
  }
  EXPECT_EQ(end, JsonEnd::kWhole);
  EXPECT_GE(pieces, 2 * 10'000 / static_cast<int>(kJsonValuesOfPiece));
  EXPECT_EQ(counter.values, 10'002u);
  EXPECT_EQ(reading.values(), 10'003u);
}

TEST(JsonReadingTest, APieceHasABoundedNumberOfBytes) {
  const Pieces pieces = ReadInPieces(ListOf('"' + std::string(1'000, 'a') + '"', 1'000));
  EXPECT_EQ(pieces.end, JsonEnd::kWhole);
  EXPECT_THAT(pieces.values, Each(Le(kJsonBytesOfPiece / 1'000 + 2)));
}

TEST(JsonReadingTest, APieceHasABoundedNumberOfBytesOfOneStringOrName) {
  const std::string text = '"' + std::string(10 * kJsonBytesOfPiece, 'a') + '"';
  EXPECT_THAT(ReadInPieces(text).values, SizeIs(11));
  EXPECT_THAT(ReadInPieces("{" + text + ": 1}").values, SizeIs(11));
}

TEST(JsonReadingTest, ALimitThatIsReachedAtTheEndOfAPieceIsExact) {
  for (const size_t limit : {kJsonValuesOfPiece, 2 * kJsonValuesOfPiece}) {
    const int items = static_cast<int>(limit) - 1;
    EXPECT_EQ(ReadInPieces(ListOf("0", items), limit).end, JsonEnd::kWhole);
    EXPECT_EQ(ReadInPieces(ListOf("0", items + 1), limit).end, JsonEnd::kOverLimit);
  }
}

}  // namespace
}  // namespace gateway
