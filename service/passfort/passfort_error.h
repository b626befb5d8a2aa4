#ifndef SERVICE_PASSFORT_PASSFORT_ERROR_H_
#define SERVICE_PASSFORT_PASSFORT_ERROR_H_

#include <optional>
#include <string>
#include <string_view>

#include "service/json/json_sax.h"
#include "service/passfort/message_filter.h"
#include "service/passfort/passfort_error_code.h"

namespace gateway {

// What an error code says about a write, whatever the HTTP status.
enum class PassfortCodeClass {
  kUnknown,   // not documented: the HTTP status decides
  kRefusal,   // nothing was executed
  kInternal,  // Passfort failed half-way: it may have been done
};
PassfortCodeClass ClassifyErrorCode(int code);
// Whether a code speaks of the gateway's own API key.
bool ConcernsApiKey(std::optional<int> code);

// One error object.
struct PassfortError {
  // Passfort's own number. Nothing if it is missing or no integer (a string of digits is one).
  std::optional<int> code;
  // As the MessageFilter shows it. Empty without one, and if it is missing or no string.
  std::string message;
};

// The errors that a response names in its top-level `errors`: an object, or a list of objects.
// Everything in there is read, so that a code which makes the outcome ambiguous is never missed
// behind another one. Of each kind, the first error.
struct PassfortErrors {
  // With a code of class kInternal, wherever below `errors` it is, and also if the body breaks off
  // after it.
  std::optional<PassfortError> internal;
  // With a code of class kRefusal. Unset, like the rest, if the body is not whole.
  std::optional<PassfortError> refusal;
  // With a code that is not documented.
  std::optional<PassfortError> unknown;
  // An error object without a code, which says nothing.
  std::optional<PassfortError> without_code;
  // One of them is about the gateway's own API key.
  bool names_the_key = false;
  // The response has an `id` beside them, of any type: something is there.
  bool are_beside_an_id = false;
  // It has `errors` in one of the two forms. False: it may not be Passfort's response at all.
  bool are_there = false;
  // How reading ended: kOverLimit leaves a part unread that may say anything.
  JsonEnd end = JsonEnd::kWhole;
};

// `messages` may be null.
PassfortErrors ReadPassfortErrors(std::string_view body, const MessageFilter* messages);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_PASSFORT_ERROR_H_
