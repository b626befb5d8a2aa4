#ifndef SERVICE_JSON_JSON_DUPLICATE_KEYS_H_
#define SERVICE_JSON_JSON_DUPLICATE_KEYS_H_

#include <string_view>

#include "service/json/json_sax.h"

namespace gateway {

// As ParseJson, but of the members of an object with duplicate keys only the last one is told.
// Reads the text twice, so it is for those readers and texts that need it.
JsonEnd ReadLastOfDuplicateKeys(std::string_view text, JsonSaxHandler& events,
                                size_t max_values = kMaxJsonValues);

}  // namespace gateway

#endif  // SERVICE_JSON_JSON_DUPLICATE_KEYS_H_
