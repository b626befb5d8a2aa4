#ifndef SERVICE_JSON_JSON_DUPLICATE_KEYS_H_
#define SERVICE_JSON_JSON_DUPLICATE_KEYS_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "service/json/json_sax.h"

namespace gateway {

// As JsonReading, but of the members of an object with duplicate keys only the last one is told.
// Reads the text twice, so it is for those readers and texts that need it.
class LastOfDuplicateKeysReading {
 public:
  // Text and events outlive it.
  LastOfDuplicateKeysReading(std::string_view text, JsonSaxHandler& events, size_t max_values);
  ~LastOfDuplicateKeysReading();
  LastOfDuplicateKeysReading(const LastOfDuplicateKeysReading&) = delete;
  LastOfDuplicateKeysReading& operator=(const LastOfDuplicateKeysReading&) = delete;

  // Nothing: there is more to read.
  std::optional<JsonEnd> ReadPiece();
  // As JsonReading's, whether they count or not.
  size_t values() const { return reading().values(); }
  size_t containers() const { return reading().containers(); }

 private:
  class Names;
  class Counting;

  const JsonReading& reading() const;

  const std::string_view text_;
  JsonSaxHandler& events_;
  const size_t max_values_;
  // Which members count: known after the first time.
  std::unique_ptr<Names> names_;
  std::unique_ptr<Counting> counting_;
};

}  // namespace gateway

#endif  // SERVICE_JSON_JSON_DUPLICATE_KEYS_H_
