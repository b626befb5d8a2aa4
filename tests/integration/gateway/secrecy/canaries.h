#ifndef TESTS_INTEGRATION_GATEWAY_SECRECY_CANARIES_H_
#define TESTS_INTEGRATION_GATEWAY_SECRECY_CANARIES_H_

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"

namespace gateway {

// Canaries are words that no program writes by itself. Planted where something has to be kept, they
// tell by being found that it was not. Each kind begins with a word of its own, which tells where a
// found one was planted.
inline constexpr char kKeyCanary[] = "KeyCanary-e7Qm2Zp0XhV4tB9s";  // the API key
inline constexpr char kPasswordCanary[] = "PasswordCanary-Kd83hQ";  // of PostgreSQL
// What callers send. The ids have to be UUIDs.
inline constexpr char kRequestIdCanary[] = "CallerCanary-request-id";
inline constexpr char kAliasCanary[] = "CallerCanary-alias";
inline constexpr char kMetadataCanary[] = "CallerCanary-metadata";
inline constexpr char kProfileIdCanary[] = "ca11e4ca-4a47-4bad-8bad-0b5e4ec7ab1e";
inline constexpr char kProductIdCanary[] = "9d0d5c7c-ca11-4bad-8bad-0b5e4ec7ab1e";

// What Passfort sends beside an application that was made: in errors, pages, headers and lists.
inline std::string PassfortCanary(std::string_view place) {
  return "PassfortCanary-" + std::string(place);
}
// What Passfort sends of the application that was made.
inline std::string AnswerCanary(std::string_view place) {
  return "AnswerCanary-" + std::string(place);
}

using Words = std::vector<std::string>;

// With the password of the PostgreSQL of the tests, as it is and as it is written in URLs.
inline Words Secrets() {
  return {"KeyCanary", "e7Qm2Zp0XhV4tB9s",     "PasswordCanary",
          "Kd83hQ",    "a-p%ss:word/of@tests", "a-p%25ss%3Aword%2Fof%40tests"};
}
inline Words OfPassfort() { return {"PassfortCanary", "AnswerCanary"}; }
inline Words OfCallers() { return {"CallerCanary", kProfileIdCanary, kProductIdCanary}; }

inline Words operator+(Words some, const Words& more) {
  some.insert(some.end(), more.begin(), more.end());
  return some;
}

inline Words AllCanaries() { return Secrets() + OfPassfort() + OfCallers(); }

namespace canaries_internal {

// What base64 makes of `word` behind 0, 1 or 2 bytes, without the characters that its neighbours
// have a part in.
inline std::vector<std::string> InBase64(const std::string& word) {
  std::vector<std::string> forms;
  for (const size_t before : {0, 1, 2}) {
    const std::string text = std::string(before, 'x') + word;
    const std::string encoded = absl::Base64Escape(text.substr(0, text.size() / 3 * 3));
    forms.push_back(encoded.substr(before == 0 ? 0 : 4));
  }
  return forms;
}

inline std::string Around(const std::string& text, size_t at) {
  constexpr size_t kBefore = 60;
  const size_t start = at > kBefore ? at - kBefore : 0;
  return absl::CHexEscape(text.substr(start, 2 * kBefore));
}

}  // namespace canaries_internal

// Where `text` holds one of `words`: as it is in any case, in hexadecimal digits or in base64.
inline std::vector<std::string> Found(const Words& words, const std::string& text) {
  std::vector<std::string> found;
  const std::string lower = absl::AsciiStrToLower(text);
  for (const std::string& word : words) {
    const std::string small = absl::AsciiStrToLower(word);
    std::vector<size_t> places = {lower.find(small), lower.find(absl::BytesToHexString(word))};
    for (const std::string& form : canaries_internal::InBase64(word)) {
      places.push_back(text.find(form));
    }
    for (const size_t place : places) {
      if (place == std::string::npos) continue;
      found.push_back(word + ": " + canaries_internal::Around(text, place));
      break;
    }
  }
  return found;
}

}  // namespace gateway

#endif  // TESTS_INTEGRATION_GATEWAY_SECRECY_CANARIES_H_
