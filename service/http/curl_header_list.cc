#include "service/http/curl_header_list.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

constexpr std::string_view kBreakingBytes("\r\n\0", 3);

bool IsSound(const std::pair<std::string, std::string>& header) {
  const auto& [name, value] = header;
  return !name.empty() && name.find_first_of(kBreakingBytes) == std::string::npos &&
         value.find_first_of(kBreakingBytes) == std::string::npos;
}

// "Name:" without a value would remove the header; "Name;" sends an empty one.
std::string LineOf(const std::pair<std::string, std::string>& header) {
  const auto& [name, value] = header;
  return value.empty() ? absl::StrCat(name, ";") : absl::StrCat(name, ": ", value);
}

CurlHeaderList Append(CurlHeaderList list, const std::string& line) {
  curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) return nullptr;
  if (list != nullptr) return list;  // the head stays the same
  return CurlHeaderList(longer, &curl_slist_free_all);
}

CurlHeaderList MakeList(const HttpHeaders& headers) {
  // libcurl would wait for "100 Continue" before it sends a large body.
  CurlHeaderList list = Append(nullptr, "Expect:");
  for (const auto& header : headers) {
    if (list == nullptr || !IsSound(header)) return nullptr;
    list = Append(std::move(list), LineOf(header));
  }
  return list;
}

// Entries of a list that go on into a shared one.
struct OwnEntries {
  std::vector<std::string> lines;
  std::vector<curl_slist> entries;
  CurlHeaderList shared;
};

}  // namespace

CurlHeaderList WithOwnHeaders(const HttpHeaders& own, CurlHeaderList shared) {
  if (own.empty() || shared == nullptr) return shared;
  const auto list = std::make_shared<OwnEntries>();
  list->shared = std::move(shared);
  list->lines.reserve(own.size());
  list->entries.resize(own.size());
  curl_slist* next = list->shared.get();
  for (size_t i = own.size(); i-- > 0;) {
    if (!IsSound(own[i])) return nullptr;
    list->entries[i] = {.data = list->lines.emplace_back(LineOf(own[i])).data(), .next = next};
    next = &list->entries[i];
  }
  return {list, next};  // freed with the last owner of the whole
}

CurlHeaderList CurlHeaderLists::ListFor(const std::shared_ptr<const HttpHeaders>& headers) {
  for (const Entry& entry : entries_) {
    if (entry.headers == headers) return entry.list;
  }
  if (entries_.size() == kKept) entries_.erase(entries_.begin());
  entries_.push_back({headers, MakeList(*headers)});
  return entries_.back().list;
}

}  // namespace gateway
