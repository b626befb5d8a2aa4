#ifndef TESTS_FAKE_PASSFORT_JSON_READER_H_
#define TESTS_FAKE_PASSFORT_JSON_READER_H_

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace gateway {

// Reads "250ms", "1s" or "1.5s".
std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text);

// What a member may say, and what each word means.
template <typename T>
using Words = std::initializer_list<std::pair<std::string_view, T>>;

// Reads the members of one object and complains about those that nobody asked for, because a
// misspelt member would make a test that proves nothing. Throws std::exception on bad input. The
// object outlives the reader.
class ObjectReader {
 public:
  using Json = nlohmann::ordered_json;

  ObjectReader(const Json& object, std::string name) : object_(object), name_(std::move(name)) {
    if (!object.is_object()) throw std::invalid_argument(name_ + " is not an object");
  }

  // Nullptr if it is not there.
  const Json* Find(const std::string& member) {
    const auto found = object_.find(member);
    if (found == object_.end()) return nullptr;
    ++members_read_;
    return &*found;
  }

  template <typename T>
  void Read(const std::string& member, T& value) {
    if (const Json* const json = Find(member)) value = json->get<T>();
  }

  void ReadCount(const std::string& member, size_t& value) {
    const Json* const json = Find(member);
    if (json == nullptr) return;
    if (!json->is_number_unsigned()) Complain(member, "is not a number of bytes");
    value = json->get<size_t>();
  }

  void ReadDuration(const std::string& member, std::chrono::milliseconds& value) {
    const Json* const json = Find(member);
    if (json == nullptr) return;
    const auto parsed = ParseDuration(json->get<std::string>());
    if (!parsed) Complain(member, "is not a duration such as 250ms or 1s");
    value = *parsed;
  }

  template <typename T>
  void ReadWord(const std::string& member, Words<T> words, T& value) {
    const Json* const json = Find(member);
    if (json == nullptr) return;
    std::string known;
    for (const auto& [word, meaning] : words) {
      if (word == json->get<std::string>()) {
        value = meaning;
        return;
      }
      known.append(" ").append(word);
    }
    Complain(member, "is none of" + known);
  }

  void ExpectNothingElse() const {
    if (members_read_ == object_.size()) return;
    throw std::invalid_argument(name_ + " has a member that is not known, in " + object_.dump());
  }

  [[noreturn]] void Complain(const std::string& member, const std::string& what) const {
    throw std::invalid_argument(name_ + ": " + member + " " + what);
  }

 private:
  const Json& object_;
  std::string name_;
  size_t members_read_ = 0;
};

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_JSON_READER_H_
