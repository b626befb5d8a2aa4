#include "service/passfort/json_events.h"

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_format.h"

namespace gateway {
namespace {

using nlohmann::json;

// True if `digits` is an integer (no fraction, no exponent) that `nearest`, the double next to it,
// changes.
bool IsChangedInteger(const std::string& digits, double nearest) {
  return digits.find_first_of(".eE") == std::string::npos &&
         absl::StrFormat("%.0f", nearest) != digits;
}

// Passes nlohmann's parse events on. The names and signatures are its SAX interface; it stops as
// soon as one of them returns false.
class EventSource {
 public:
  explicit EventSource(JsonEvents& events) : events_(events) {}

  bool null() { return events_.Scalar(nullptr); }
  bool boolean(bool value) { return events_.Scalar(value); }
  bool number_integer(json::number_integer_t value) { return events_.Scalar(value); }
  bool number_unsigned(json::number_unsigned_t value) { return events_.Scalar(value); }
  bool number_float(json::number_float_t value, const std::string& digits) {
    if (IsChangedInteger(digits, value)) {
      return events_.Scalar(LargeInteger{digits});
    }
    return events_.Scalar(value);
  }
  bool string(const std::string& value) { return events_.Scalar(std::string_view(value)); }
  bool binary(const json::binary_t&) { return false; }
  bool start_object(size_t) { return Open(JsonContainer::kObject); }
  bool key(const std::string& name) { return events_.Name(name); }
  bool end_object() { return Close(); }
  bool start_array(size_t) { return Open(JsonContainer::kList); }
  bool end_array() { return Close(); }
  bool parse_error(size_t, const std::string&, const json::exception&) { return false; }

 private:
  bool Open(JsonContainer kind) { return ++depth_ <= kMaxJsonDepth && events_.Open(kind); }

  bool Close() {
    --depth_;
    return events_.Close();
  }

  JsonEvents& events_;
  int depth_ = 0;
};

}  // namespace

bool ReadJsonEvents(std::string_view text, JsonEvents& events) {
  // nlohmann takes a zero byte for the end of the text, and whatever follows it would be accepted.
  if (text.find('\0') != std::string_view::npos) {
    return false;
  }
  EventSource source(events);
  return json::sax_parse(text.data(), text.data() + text.size(), &source);
}

}  // namespace gateway
