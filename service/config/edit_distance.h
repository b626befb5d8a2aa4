#ifndef SERVICE_CONFIG_EDIT_DISTANCE_H_
#define SERVICE_CONFIG_EDIT_DISTANCE_H_

#include <cstddef>
#include <string_view>

namespace gateway {

// How many slips lie between two words: single characters put in, taken out or replaced, or two
// neighbours changed about (Damerau and Levenshtein's distance, by optimal string alignment).
size_t EditDistance(std::string_view a, std::string_view b);

}  // namespace gateway

#endif  // SERVICE_CONFIG_EDIT_DISTANCE_H_
