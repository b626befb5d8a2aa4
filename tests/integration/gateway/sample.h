#ifndef TESTS_INTEGRATION_GATEWAY_SAMPLE_H_
#define TESTS_INTEGRATION_GATEWAY_SAMPLE_H_

#include <fstream>
#include <iterator>
#include <string>

namespace gateway {

inline std::string Sample(const std::string& name) {
  std::ifstream file(std::string(GATEWAY_TESTDATA "/passfort/") + name);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// What Passfort answers to the guide's call, and the message that is made of it.
inline std::string GuideJson() { return Sample("guide_response.json"); }
inline std::string GuideResponse() {
  return "product_application {\n" + Sample("guide_response.textproto") + "}\n";
}

}  // namespace gateway

#endif  // TESTS_INTEGRATION_GATEWAY_SAMPLE_H_
