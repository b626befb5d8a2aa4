#ifndef TESTS_UNIT_PASSFORT_GENERATED_JSON_H_
#define TESTS_UNIT_PASSFORT_GENERATED_JSON_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace gateway {

// Product applications and profiles as Passfort might send them some day: known members, missing,
// null, default or of another type; unknown members at every depth; unknown enum values, odd dates,
// numbers that no double prints back, odd strings and words (each as the json::binary that ReadJson
// makes of it), text beyond the BMP, lists with strange elements, deep nesting. The same seed gives
// the same JSON.
class GeneratedJson {
 public:
  explicit GeneratedJson(uint64_t seed) : random_(seed), has_duplicate_keys_(SeededRandom(30)) {}

  // An object with a non-empty `id`.
  nlohmann::json Application();
  // The same, of a profile with any number of applications.
  nlohmann::json Profile();
  // A list of applications.
  nlohmann::json Applications();

  // `json` as text, with spaces and escapes here and there. In some texts there are members that do
  // not count: before one with the same name.
  std::string Text(const nlohmann::json& json);

 private:
  // True in `percent` of a hundred cases.
  bool SeededRandom(unsigned percent) { return random_() % 100 < percent; }
  template <typename List>
  auto Pick(const List& list) {
    return list[random_() % std::size(list)];
  }

  // Now and then an odd one.
  nlohmann::json AnyText();
  template <typename Texts>
  nlohmann::json Odd(const Texts& texts, uint64_t subtype);
  nlohmann::json AnyNumber();
  nlohmann::json AnyScalar();
  // Any JSON value; `depth` is how many levels of lists and objects it may have.
  nlohmann::json AnyValue(int depth);
  nlohmann::json DeepValue();
  nlohmann::json Date();
  nlohmann::json EnumValue();

  // An object with the members that `fill` puts in, and now and then unknown ones.
  template <typename Fill>
  nlohmann::json Object(Fill fill);
  // A list of what `make` makes, with elements of other types in between.
  template <typename Make>
  nlohmann::json List(Make make);
  // Puts `value` under `name`, or nothing, null, a default, or a value of any type.
  void Put(nlohmann::json& object, const char* name, nlohmann::json value);

  nlohmann::json User();
  nlohmann::json Product();
  nlohmann::json RequiredTask();
  nlohmann::json ApprovalBlocker();
  nlohmann::json StatusChange();
  nlohmann::json FlagChange();

  // A value for a member whose name comes again with `counted`.
  nlohmann::json Uncounted(const nlohmann::json& counted);

  std::mt19937_64 random_;
  bool has_duplicate_keys_;
};

}  // namespace gateway

#endif  // TESTS_UNIT_PASSFORT_GENERATED_JSON_H_
