#ifndef SERVICE_PASSFORT_MAPPING_ETAG_BUILDER_H_
#define SERVICE_PASSFORT_MAPPING_ETAG_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "service/json/json_sax.h"

namespace gateway {

// Makes an etag from the events of a JSON object: the first 16 bytes of the SHA-256 of a canonical
// form, as Base64url. In that form
// - the members of an object are sorted, and those that are null are left out, as absent ones are;
// - the items of a list are sorted too: Passfort promises no order, so lists count as multisets;
// - strings and numbers stand for their values: "A" is "\u0041", and 1.0 is 1; long ones for the
//   SHA-256 of their values;
// - every value says where it ends, so that different values never look the same.
// It is made from the JSON rather than from the message, which no longer tells false from absent or
// a long number from its digits, and keeps what has no field under positions.
class EtagBuilder {
 public:
  // True from the first OnOpen to the OnClose that belongs to it.
  bool is_open() const { return !open_.empty(); }

  void OnScalar(const JsonScalar& value);
  void OnOpen(JsonContainer kind);
  void OnKey(std::string_view name);
  // True: that was the end.
  bool OnClose();

  // Once, at the end; then it is as new.
  std::string TakeEtag();

 private:
  // A member or an item, as a part of `text_`.
  struct Entry {
    size_t begin;
    size_t end;
    // Its first bytes, as a number in the order of the bytes: most names differ in these.
    uint64_t head;
  };
  struct Container {
    JsonContainer kind;
    // Where the entry begins that it is itself.
    size_t begin;
    // The first of `entries_` that is its own.
    size_t first_entry;
  };

  bool IsInObject() const { return !open_.empty() && open_.back().kind == JsonContainer::kObject; }
  // Where the entry begins whose value comes.
  size_t EntryBegin() const { return IsInObject() ? key_begin_ : text_.size(); }
  void Append(char kind, std::string_view bytes);
  void AddEntry(size_t begin);
  void Sort(size_t first_entry);

  std::string text_;
  // Of all that are open, those of the innermost last.
  std::vector<Entry> entries_;
  std::vector<Container> open_;
  size_t key_begin_ = 0;
  std::string sorted_;
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_MAPPING_ETAG_BUILDER_H_
