#ifndef SERVICE_PASSFORT_MAPPING_RESOURCE_READING_H_
#define SERVICE_PASSFORT_MAPPING_RESOURCE_READING_H_

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "passfort/gateway/v1/product_application.pb.h"
#include "passfort/gateway/v1/product_application_service.pb.h"
#include "passfort/gateway/v1/profile.pb.h"
#include "service/json/json_duplicate_keys.h"
#include "service/json/json_sax.h"
#include "service/passfort/mapping/resource_reader.h"

namespace gateway {

namespace pb = ::passfort::gateway::v1;

inline ResourceReader ReaderInto(pb::ProductApplication& application) {
  return {ApplicationResource(), application};
}
inline ResourceReader ReaderInto(pb::Profile& profile) { return {ProfileResource(), profile}; }
inline ResourceReader ReaderInto(pb::ListProductApplicationsResponse& list) {
  return {ApplicationListField(), list};
}

inline bool HasId(const pb::ProductApplication& application) { return !application.id().empty(); }
inline bool HasId(const pb::Profile& profile) { return !profile.id().empty(); }
// Every item of it.
inline bool HasId(const pb::ListProductApplicationsResponse& list) {
  return std::ranges::all_of(list.product_applications(),
                             [](const pb::ProductApplication& item) { return HasId(item); });
}

// Reads a product application, a profile, or a list of applications in pieces, as a text may hold
// the loop for too long.
template <typename Message>
class ResourceReading {
 public:
  // `text` outlives it.
  explicit ResourceReading(std::string_view text, size_t max_values = kMaxJsonValues)
      : text_(text), max_values_(max_values), json_(text, reader_, max_values) {}

  // False: there is more to read.
  bool ReadPiece() {
    const std::optional<JsonEnd> end = last_keys_ ? last_keys_->ReadPiece() : json_.ReadPiece();
    if (!last_keys_ && end && reader_.found_duplicate_keys()) {
      // The last one counts, but another one was read before.
      message_.emplace();
      last_keys_reader_.emplace(*message_);
      last_keys_.emplace(text_, last_keys_reader_->reader, max_values_);
      return false;
    }
    end_ = end.value_or(end_);
    return end.has_value();
  }

  // What was read, after the last piece; once. Nothing if it is no JSON, of another shape, or
  // without an `id` that is a non-empty string.
  std::optional<Message> TakeResult() {
    if (end_ != JsonEnd::kWhole || !HasId(*message_)) message_.reset();
    return std::move(message_);
  }
  // About the memory that the result takes, together with the bytes that it is written as: to look
  // at all of it would take milliseconds. Of most it is too much, up to twice; an object that is
  // kept beside its fields takes most.
  size_t MemoryOfResult() const { return last_keys_ ? MemoryOf(*last_keys_) : MemoryOf(json_); }
  // It has more values, or is nested deeper, than is read.
  bool is_over_limit() const { return end_ == JsonEnd::kOverLimit; }

 private:
  template <typename Reading>
  size_t MemoryOf(const Reading& reading) const {
    constexpr size_t kBytesOfScalar = 150;
    constexpr size_t kBytesOfContainer = 500;
    return (reading.values() - reading.containers()) * kBytesOfScalar +
           reading.containers() * kBytesOfContainer + 2 * text_.size();
  }

  struct Into {
    explicit Into(Message& message) : reader(ReaderInto(message)) {}
    ResourceReader reader;
  };

  const std::string_view text_;
  const size_t max_values_;
  std::optional<Message> message_{std::in_place};
  ResourceReader reader_ = ReaderInto(*message_);
  JsonReading json_;
  // From here on it is read once more, if it has duplicate keys.
  std::optional<Into> last_keys_reader_;
  std::optional<LastOfDuplicateKeysReading> last_keys_;
  JsonEnd end_ = JsonEnd::kBroken;
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_MAPPING_RESOURCE_READING_H_
