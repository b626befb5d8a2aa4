#include "service/json/json_duplicate_keys.h"

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace gateway {
namespace {

// Finds the members that do not count, by the position of their name among all names of the text.
class DuplicateKeys final : public JsonSaxHandler {
 public:
  bool OnScalar(const JsonScalar& /*value*/) override { return true; }
  bool OnOpen(JsonContainer /*kind*/) override {
    open_.emplace_back();
    return true;
  }
  bool OnKey(std::string_view name) override {
    const auto [last, is_new] = open_.back().try_emplace(std::string(name), counts_.size());
    if (!is_new) {
      counts_[last->second] = false;
      last->second = counts_.size();
    }
    counts_.push_back(true);
    return true;
  }
  bool OnClose() override {
    open_.pop_back();
    return true;
  }

  std::vector<bool> TakeResult() { return std::move(counts_); }

 private:
  // Of each object or list around, the names so far with the last position of each.
  std::vector<std::unordered_map<std::string, size_t>> open_;
  std::vector<bool> counts_;
};

// Passes on what is not in a member that does not count.
class WhatCounts final : public JsonSaxHandler {
 public:
  WhatCounts(std::vector<bool> counts, JsonSaxHandler& events)
      : counts_(std::move(counts)), events_(events) {}

  bool OnScalar(const JsonScalar& value) override { return Skips() || events_.OnScalar(value); }
  bool OnOpen(JsonContainer kind) override {
    if (!Skips()) return events_.OnOpen(kind);
    ++depth_;
    return true;
  }
  bool OnKey(std::string_view name) override {
    const bool counts = counts_[next_++];
    if (depth_ > 0) return true;
    skips_value_ = !counts;
    return skips_value_ || events_.OnKey(name);
  }
  bool OnClose() override {
    if (depth_ == 0) return events_.OnClose();
    --depth_;
    return true;
  }

 private:
  // Whether the value that begins now is not told.
  bool Skips() {
    const bool skips = skips_value_ || depth_ > 0;
    skips_value_ = false;
    return skips;
  }

  const std::vector<bool> counts_;
  JsonSaxHandler& events_;
  size_t next_ = 0;
  bool skips_value_ = false;
  // How many objects and lists are open inside of such a member.
  int depth_ = 0;
};

}  // namespace

class LastOfDuplicateKeysReading::Names {
 public:
  Names(std::string_view text, size_t max_values) : reading(text, keys, max_values) {}

  DuplicateKeys keys;
  JsonReading reading;
};

class LastOfDuplicateKeysReading::Counting {
 public:
  Counting(std::vector<bool> counts, std::string_view text, JsonSaxHandler& events,
           size_t max_values)
      : what_counts(std::move(counts), events), reading(text, what_counts, max_values) {}

  WhatCounts what_counts;
  JsonReading reading;
};

LastOfDuplicateKeysReading::LastOfDuplicateKeysReading(std::string_view text,
                                                       JsonSaxHandler& events, size_t max_values)
    : text_(text),
      events_(events),
      max_values_(max_values),
      names_(std::make_unique<Names>(text, max_values)) {}

LastOfDuplicateKeysReading::~LastOfDuplicateKeysReading() = default;

const JsonReading& LastOfDuplicateKeysReading::reading() const {
  return counting_ != nullptr ? counting_->reading : names_->reading;
}

std::optional<JsonEnd> LastOfDuplicateKeysReading::ReadPiece() {
  if (counting_ != nullptr) return counting_->reading.ReadPiece();
  const std::optional<JsonEnd> end = names_->reading.ReadPiece();
  if (end != JsonEnd::kWhole) return end;
  counting_ = std::make_unique<Counting>(names_->keys.TakeResult(), text_, events_, max_values_);
  names_.reset();
  return std::nullopt;
}

}  // namespace gateway
