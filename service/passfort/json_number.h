#ifndef SERVICE_PASSFORT_JSON_NUMBER_H_
#define SERVICE_PASSFORT_JSON_NUMBER_H_

#include <string_view>

#include "service/passfort/json_events.h"

namespace gateway {

// Reads a word that stands where JSON has a number: an int64_t, a uint64_t, a double, a NumberText,
// or an OddWord if it is no number by JSON's grammar.
JsonScalar ReadJsonNumber(std::string_view word);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_JSON_NUMBER_H_
