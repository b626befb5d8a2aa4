#ifndef SERVICE_JSON_JSON_NUMBER_H_
#define SERVICE_JSON_JSON_NUMBER_H_

#include <optional>
#include <string_view>

#include "service/json/json_sax.h"

namespace gateway {

// Reads a word that stands where JSON has a number: an int64_t, a uint64_t, a double, a NumberText,
// or an OddWord if it is no number by JSON's grammar.
JsonScalar ReadJsonNumber(std::string_view word);

// The double that prints back `digits`, an integer other than zero. Nothing if none does: 2^63 is a
// double, but prints as 9223372036854776000.
std::optional<double> DoubleOfInteger(std::string_view digits);

}  // namespace gateway

#endif  // SERVICE_JSON_JSON_NUMBER_H_
