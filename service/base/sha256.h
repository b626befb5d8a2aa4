#ifndef SERVICE_BASE_SHA256_H_
#define SERVICE_BASE_SHA256_H_

#include <string>
#include <string_view>

namespace gateway {

// The 32 bytes of the SHA-256 of `text`. Ends the process if there is no memory for it, as every
// allocation does.
std::string Sha256(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_BASE_SHA256_H_
