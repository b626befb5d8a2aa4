#ifndef TESTS_INTEGRATION_GATEWAY_FAULTS_H_
#define TESTS_INTEGRATION_GATEWAY_FAULTS_H_

#include <string>
#include <utility>

#include "tests/fake_passfort/fault.h"

namespace gateway {

using Headers = std::vector<std::pair<std::string, std::string>>;

// Passfort answers this and makes nothing.
inline Fault Refuses(int status, std::string body, Headers headers = {}) {
  return {.endpoint = Endpoint::kAdd,
          .carry_out = Fault::CarryOut::kNever,
          .answer = {.status = status, .headers = std::move(headers), .body = std::move(body)}};
}

// Passfort creates the application, and this is what comes back.
inline Fault MakesAndAnswers(AnswerScript answer) {
  return {.endpoint = Endpoint::kAdd, .answer = std::move(answer)};
}

// Passfort creates the application and says nothing.
inline Fault MakesAndThen(Fault::Then then) {
  return {.endpoint = Endpoint::kAdd, .send = Fault::Send::kNothing, .then = then};
}

inline std::string ErrorBody(int code) {
  return R"({"errors": [{"code": )" + std::to_string(code) + R"(, "message": "so it is"}]})";
}

inline constexpr char kErrorWithoutCode[] = R"({"errors": [{"message": "so it is"}]})";

// A page as proxies answer it.
inline std::string HtmlPage(size_t bytes) {
  const std::string head = "<html><head><title>502 Bad Gateway</title></head><body>";
  const std::string end = "</body></html>";
  return head + std::string(bytes - head.size() - end.size(), 'x') + end;
}

}  // namespace gateway

#endif  // TESTS_INTEGRATION_GATEWAY_FAULTS_H_
