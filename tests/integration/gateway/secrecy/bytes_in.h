#ifndef TESTS_INTEGRATION_GATEWAY_SECRECY_BYTES_IN_H_
#define TESTS_INTEGRATION_GATEWAY_SECRECY_BYTES_IN_H_

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/temporary_folder.h"

namespace gateway {

// Database, log and whatever else lies beside them.
inline std::string BytesIn(const TemporaryFolder& folder) {
  std::string bytes;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    std::ifstream file(entry.path(), std::ios::binary);
    bytes.append(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return bytes;
}

}  // namespace gateway

#endif  // TESTS_INTEGRATION_GATEWAY_SECRECY_BYTES_IN_H_
