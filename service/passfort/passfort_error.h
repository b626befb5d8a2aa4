#ifndef SERVICE_PASSFORT_PASSFORT_ERROR_H_
#define SERVICE_PASSFORT_PASSFORT_ERROR_H_

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace gateway {

// The error object that counts in an answer of Passfort: the first item of `errors`, or `errors`
// itself where that is an object.
struct PassfortError {
  // Passfort's own number. Nothing if it is missing or no integer (a string of digits is one).
  std::optional<int> code;
  // The first 200 bytes, cut between characters. Empty if it is missing, no string or HTML.
  std::string message;
};

// Nothing if `body` holds no error object.
std::optional<PassfortError> FirstError(const nlohmann::json& body);

// What an error code says about a write, whatever the HTTP status. The numbers and their reading
// are those of the vendor's OpenAPI file.
enum class PassfortCodeClass {
  kUnknown,   // not documented: the HTTP status decides
  kRefusal,   // nothing was done
  kInternal,  // Passfort failed half-way: it may have been done
};
PassfortCodeClass ClassOfCode(int code);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_PASSFORT_ERROR_H_
