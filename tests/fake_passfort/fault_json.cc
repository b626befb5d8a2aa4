#include "tests/fake_passfort/fault_json.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/fake_passfort/json_reader.h"

namespace gateway {
namespace {

using Json = nlohmann::ordered_json;

// Everything below throws std::exception on bad input; ParseFaults catches it.

AnswerScript AnswerFromJson(const Json& json) {
  using Framing = AnswerScript::Framing;
  AnswerScript answer;
  ObjectReader reader(json, "answer");
  reader.Read("status", answer.status);
  if (const Json* const headers = reader.Find("headers")) {
    for (const auto& [name, value] : headers->items()) {
      answer.headers.emplace_back(name, value.get<std::string>());
    }
  }
  if (const Json* const body = reader.Find("body")) {
    answer.body = body->is_string() ? body->get<std::string>() : body->dump();
  }
  if (const Json* const set = reader.Find("set")) {
    for (const auto& [pointer, value] : set->items()) {
      answer.set.emplace_back(pointer, value.dump());
    }
  }
  reader.Read("remove", answer.remove);
  reader.Read("upper_case_ids", answer.upper_case_ids);
  reader.Read("existing_application", answer.existing_application);
  reader.ReadCount("pad_to", answer.pad_to);
  reader.ReadWord("framing",
                  Words<Framing>{{"content_length", Framing::kContentLength},
                                 {"chunked", Framing::kChunked},
                                 {"connection_close", Framing::kConnectionClose}},
                  answer.framing);
  if (json.contains("cut_after")) reader.ReadCount("cut_after", answer.cut_after.emplace());
  reader.ReadCount("piece_bytes", answer.piece_bytes);
  reader.ReadDuration("piece_pause", answer.piece_pause);
  reader.Read("raw", answer.raw);
  reader.ExpectNothingElse();
  return answer;
}

void ReadMatch(ObjectReader& reader, Fault& fault) {
  reader.Read("method", fault.method);
  reader.Read("profile_id", fault.profile_id);
  reader.Read("skip", fault.skip);
  if (const Json* const endpoint = reader.Find("endpoint")) {
    const auto known = EndpointByName(endpoint->get<std::string>());
    if (!known) reader.Complain("endpoint", "is not known");
    fault.endpoint = *known;
  }
  if (const Json* const times = reader.Find("times")) {
    fault.times = *times == "always" ? Fault::kAlways : times->get<int>();
  }
}

Fault FaultFromJson(const Json& json) {
  using RevertedId = PassfortState::RevertedId;
  Fault fault;
  ObjectReader reader(json, "fault");
  ReadMatch(reader, fault);
  reader.ReadWord(
      "read",
      Words<Fault::Read>{{"whole", Fault::Read::kWhole}, {"headers", Fault::Read::kHeaders}},
      fault.read);
  reader.ReadWord("hold",
                  Words<Fault::Hold>{{"before_carrying_out", Fault::Hold::kBeforeCarryingOut},
                                     {"before_answer", Fault::Hold::kBeforeAnswer}},
                  fault.hold);
  reader.ReadWord("carry_out",
                  Words<Fault::CarryOut>{{"before_answer", Fault::CarryOut::kBeforeAnswer},
                                         {"late", Fault::CarryOut::kLate},
                                         {"never", Fault::CarryOut::kNever}},
                  fault.carry_out);
  reader.ReadDuration("carry_out_after", fault.carry_out_after);
  reader.Read("hide", fault.hide);
  reader.ReadWord("reverted_id",
                  Words<RevertedId>{{"same", RevertedId::kSame}, {"new", RevertedId::kNew}},
                  fault.reverted_id);
  reader.ReadWord("stranger",
                  Words<Fault::Stranger>{{"before", Fault::Stranger::kBefore},
                                         {"after", Fault::Stranger::kAfter}},
                  fault.stranger);
  reader.ReadWord("stranger_is",
                  Words<MadeBy>{{"portal_user", MadeBy::kPortalUser}, {"policy", MadeBy::kPolicy}},
                  fault.stranger_is);
  reader.ReadDuration("answer_after", fault.answer_after);
  reader.ReadWord(
      "send",
      Words<Fault::Send>{{"answer", Fault::Send::kAnswer}, {"nothing", Fault::Send::kNothing}},
      fault.send);
  if (const Json* const answer = reader.Find("answer")) fault.answer = AnswerFromJson(*answer);
  reader.ReadWord("then",
                  Words<Fault::Then>{{"as_usual", Fault::Then::kAsUsual},
                                     {"close", Fault::Then::kClose},
                                     {"reset", Fault::Then::kReset},
                                     {"hang", Fault::Then::kHang}},
                  fault.then);
  reader.ExpectNothingElse();
  if (const std::string problem = fault.Problem(); !problem.empty()) {
    throw std::invalid_argument("fault: " + problem);
  }
  return fault;
}

}  // namespace

std::variant<std::vector<Fault>, std::string> ParseFaults(std::string_view json) {
  try {
    const Json parsed = Json::parse(json);
    std::vector<Fault> faults;
    if (!parsed.is_array()) return std::vector<Fault>{FaultFromJson(parsed)};
    for (const Json& fault : parsed) faults.push_back(FaultFromJson(fault));
    return faults;
  } catch (const std::exception& wrong) {
    return std::string(wrong.what());
  }
}

}  // namespace gateway
