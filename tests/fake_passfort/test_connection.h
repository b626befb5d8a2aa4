#ifndef TESTS_FAKE_PASSFORT_TEST_CONNECTION_H_
#define TESTS_FAKE_PASSFORT_TEST_CONNECTION_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace gateway {

// What came back over a TestConnection.
struct Reply {
  enum class Ending {
    kWhole,    // a whole answer
    kClosed,   // FIN before a byte of an answer
    kReset,    // RST, whatever came before
    kCut,      // FIN within an answer
    kNotHttp,  // something else came
  };

  Ending ending = Ending::kWhole;
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // what arrived of it
};

// One blocking HTTP/1.1 connection to a loopback port; written apart from the code it tests.
class TestConnection {
 public:
  explicit TestConnection(uint16_t port);
  ~TestConnection();

  // Sends a request with the key `api_key` (none if empty) and reads the answer.
  Reply Send(std::string_view method, std::string_view target, std::string_view body = "",
             std::string_view api_key = "test-key");
  // The halves of Send.
  void Write(std::string_view method, std::string_view target, std::string_view body,
             std::string_view api_key = "test-key");
  void WriteRaw(std::string_view bytes);
  Reply Read();

 private:
  struct Socket;
  std::unique_ptr<Socket> socket_;
};

// Over a connection of its own.
Reply SendOnce(uint16_t port, std::string_view method, std::string_view target,
               std::string_view body = "", std::string_view api_key = "test-key");

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_TEST_CONNECTION_H_
