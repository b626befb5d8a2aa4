#ifndef TESTS_INTEGRATION_RPC_RAW_CALLER_H_
#define TESTS_INTEGRATION_RPC_RAW_CALLER_H_

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/integration/rpc/scripted_writer.h"

namespace gateway {

// A client of HTTP/2 that does as it is told: it writes frames, and reads or leaves what comes.
class RawCaller {
 public:
  enum FrameType : uint8_t {
    kData = 0,
    kHeaders = 1,
    kRstStream = 3,
    kSettings = 4,
    kPing = 6,
    kGoAway = 7,
  };

  // Allows the server no byte of any answer.
  explicit RawCaller(int port) : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval bound = {.tv_sec = kTestBound.count(), .tv_usec = 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    constexpr char kInitialWindowSizeZero[] = {0, 4, 0, 0, 0, 0};
    Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    SendFrame(kSettings, 0, 0, std::string_view(kInitialWindowSizeZero, 6));
  }
  ~RawCaller() { close(descriptor_); }
  RawCaller(const RawCaller&) = delete;
  RawCaller& operator=(const RawCaller&) = delete;

  // Headers of one call beside the usual ones; their bytes go out as they are.
  using Headers = std::vector<std::pair<std::string, std::string>>;

  // A whole call.
  void Call(std::string_view path, const std::string& message, uint8_t stream = 1,
            const Headers& own_headers = {}) const {
    constexpr uint8_t kEndStream = 1;
    constexpr uint8_t kEndHeaders = 4;
    std::string headers;
    AddHeader(headers, ":method", "POST");
    AddHeader(headers, ":scheme", "http");
    AddHeader(headers, ":path", path);
    AddHeader(headers, ":authority", "test");
    AddHeader(headers, "content-type", "application/grpc");
    AddHeader(headers, "te", "trailers");
    for (const auto& [name, value] : own_headers) AddHeader(headers, name, value);
    SendFrame(kHeaders, kEndHeaders, stream, headers);
    std::string data(5, '\0');  // not compressed, and four bytes of length
    data[3] = static_cast<char>(message.size() >> 8U);
    data[4] = static_cast<char>(message.size());
    SendFrame(kData, kEndStream, stream, data + message);
  }

  void Ping() const { SendFrame(kPing, 0, 0, std::string(8, 'p')); }

  // Reads up to a frame of this type; false if the connection ends before, or a frame of the other
  // type comes.
  bool WaitForFrame(FrameType type, std::optional<FrameType> other = std::nullopt) const {
    while (true) {
      std::array<uint8_t, 9> head;
      if (!Receive(head.data(), head.size())) return false;
      std::string payload((size_t{head[0]} << 16U) + (size_t{head[1]} << 8U) + head[2], '\0');
      if (!Receive(payload.data(), payload.size())) return false;
      if (head[3] == type) return true;
      if (other.has_value() && head[3] == *other) return false;
    }
  }

 private:
  // Literal, not indexed, without Huffman (RFC 7541, section 6.2.2).
  static void AddHeader(std::string& block, std::string_view name, std::string_view value) {
    block += '\0';
    block += static_cast<char>(name.size());
    block += name;
    block += static_cast<char>(value.size());
    block += value;
  }

  void SendFrame(FrameType type, uint8_t flags, uint8_t stream, std::string_view payload) const {
    std::string frame(9, '\0');
    frame[1] = static_cast<char>(payload.size() >> 8U);
    frame[2] = static_cast<char>(payload.size());
    frame[3] = static_cast<char>(type);
    frame[4] = static_cast<char>(flags);
    frame[8] = static_cast<char>(stream);
    frame += payload;
    Send(frame);
  }

  void Send(std::string_view bytes) const {
    EXPECT_EQ(send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  bool Receive(void* into, size_t bytes) const {
    return bytes == 0 || recv(descriptor_, into, bytes, MSG_WAITALL) == static_cast<ssize_t>(bytes);
  }

  const int descriptor_;
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_RPC_RAW_CALLER_H_
