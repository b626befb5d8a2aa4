#include "tests/fake_passfort/behaviour_json.h"

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/fake_passfort/json_reader.h"
#include "tests/fake_passfort/passfort_state.h"

namespace gateway {
namespace {

using Json = nlohmann::ordered_json;
using AutoApply = Behaviour::AutoApply;
using InCreateAnswer = Behaviour::ApplicationsInCreateAnswer;
using UnknownProduct = Behaviour::UnknownProduct;

constexpr Words<AutoApply> kAutoApplyWords = {{"when_empty", AutoApply::kWhenEmpty},
                                              {"never", AutoApply::kNever},
                                              {"always", AutoApply::kAlways}};
constexpr Words<InCreateAnswer> kInCreateAnswerWords = {
    {"all", InCreateAnswer::kAll},
    {"none", InCreateAnswer::kNone},
    {"without_the_last", InCreateAnswer::kWithoutTheLast}};
constexpr Words<UnknownProduct> kUnknownProductWords = {{"refuse_all", UnknownProduct::kRefuseAll},
                                                        {"leave_out", UnknownProduct::kLeaveOut}};
constexpr Words<bool> kCreationDateWords = {{"present", true}, {"absent", false}};
constexpr Words<bool> kRestlessMemberWords = {{"on", true}, {"off", false}};

constexpr std::string_view kEvery = "every ";

// A profile has its id only after they were of use.
constexpr std::initializer_list<const char*> kMembersForCreating = {
    "create_status", "auto_apply", "empty_list_is_none", "applications_in_create_answer",
    "unknown_product"};

template <typename T>
std::string Word(Words<T> words, T meaning) {
  for (const auto& [word, known] : words) {
    if (known == meaning) return std::string(word);
  }
  return "";
}

std::string Word(const MovesOn& moves_on) {
  if (moves_on.when == MovesOn::When::kOnRead) return "on_read";
  if (moves_on.when == MovesOn::When::kNever) return "never";
  return std::string(kEvery) + std::to_string(moves_on.every.count()) + "ms";
}

void ReadMovesOn(ObjectReader& reader, MovesOn& moves_on) {
  const Json* const json = reader.Find("moves_on");
  if (json == nullptr) return;
  const auto text = json->get<std::string>();
  if (text == "on_read") {
    moves_on = {.when = MovesOn::When::kOnRead};
  } else if (text == "never") {
    moves_on = {.when = MovesOn::When::kNever};
  } else {
    const auto every = text.starts_with(kEvery)
                           ? ParseDuration(std::string_view(text).substr(kEvery.size()))
                           : std::nullopt;
    if (!every || every->count() == 0) {
      reader.Complain("moves_on", "is none of on_read never, nor such as: every 2s");
    }
    moves_on = {.when = MovesOn::When::kEvery, .every = *every};
  }
}

void ReadProfileId(ObjectReader& reader, const Json& json, std::string& profile_id) {
  if (!json.contains("profile_id")) return;
  reader.Read("profile_id", profile_id);
  if (!PassfortState::ProfileExists(profile_id)) reader.Complain("profile_id", "does not exist");
  for (const char* const member : kMembersForCreating) {
    if (json.contains(member)) reader.Complain(member, "is for all profiles: leave profile_id out");
  }
}

void ReadMembers(ObjectReader& reader, Behaviour& behaviour) {
  reader.Read("create_status", behaviour.create_status);
  if (behaviour.create_status != 200 && behaviour.create_status != 201) {
    reader.Complain("create_status", "is none of 200 201");
  }
  reader.ReadWord("auto_apply", kAutoApplyWords, behaviour.auto_apply);
  reader.Read("empty_list_is_none", behaviour.empty_list_is_none);
  reader.ReadWord("applications_in_create_answer", kInCreateAnswerWords,
                  behaviour.applications_in_create_answer);
  reader.ReadWord("unknown_product", kUnknownProductWords, behaviour.unknown_product);
  reader.Read("rewrites_addresses", behaviour.rewrites_addresses);
  reader.ReadWord("creation_date", kCreationDateWords, behaviour.shows_creation_date);
  ReadMovesOn(reader, behaviour.moves_on);
  reader.ReadWord("restless_member", kRestlessMemberWords, behaviour.restless_member);
  reader.ExpectNothingElse();
}

}  // namespace

BehaviourWish ParseBehaviour(std::string_view json,
                             const std::function<Behaviour(std::string_view profile_id)>& now) {
  BehaviourWish wish;
  try {
    const Json parsed = Json::parse(json);
    ObjectReader reader(parsed, "behaviour");
    ReadProfileId(reader, parsed, wish.profile_id);
    wish.behaviour = now(wish.profile_id);
    ReadMembers(reader, wish.behaviour);
  } catch (const std::exception& wrong) {
    wish.problem = wrong.what();
  }
  return wish;
}

Json BehaviourJson(const Behaviour& behaviour) {
  return {{"create_status", behaviour.create_status},
          {"auto_apply", Word(kAutoApplyWords, behaviour.auto_apply)},
          {"empty_list_is_none", behaviour.empty_list_is_none},
          {"applications_in_create_answer",
           Word(kInCreateAnswerWords, behaviour.applications_in_create_answer)},
          {"unknown_product", Word(kUnknownProductWords, behaviour.unknown_product)},
          {"rewrites_addresses", behaviour.rewrites_addresses},
          {"creation_date", Word(kCreationDateWords, behaviour.shows_creation_date)},
          {"moves_on", Word(behaviour.moves_on)},
          {"restless_member", Word(kRestlessMemberWords, behaviour.restless_member)}};
}

}  // namespace gateway
