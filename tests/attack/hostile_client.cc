#include "tests/attack/hostile_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace gateway {
namespace {

constexpr size_t kFrameHeader = 9;
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string BigEndian32(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
  return bytes;
}

uint32_t ReadBigEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

// HPACK's string, without Huffman coding; shorter than 127 bytes.
std::string HpackString(std::string_view text) {
  return std::string(1, static_cast<char>(text.size())).append(text);
}

int Connect(const std::string& target) {
  const size_t colon = target.rfind(':');
  sockaddr_in endpoint = {};
  endpoint.sin_family = AF_INET;
  endpoint.sin_port = htons(static_cast<uint16_t>(std::stoi(target.substr(colon + 1))));
  inet_pton(AF_INET, target.substr(0, colon).c_str(), &endpoint.sin_addr);
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(descriptor, reinterpret_cast<sockaddr*>(&endpoint), sizeof(endpoint)) == 0) {
    return descriptor;
  }
  close(descriptor);
  return -1;
}

}  // namespace

std::string Frame(FrameType type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string frame = BigEndian32(static_cast<uint32_t>(payload.size())).substr(1);
  frame.push_back(static_cast<char>(type));
  frame.push_back(static_cast<char>(flags));
  return frame.append(BigEndian32(stream)).append(payload);
}

std::string RequestHeaders(std::string_view method) {
  std::string block = "\x83\x86";                                    // :method POST, :scheme http
  block.append("\x04").append(HpackString(method));                  // :path
  block.append("\x01").append(HpackString("gateway"));               // :authority
  block.append("\x0f\x10").append(HpackString("application/grpc"));  // content-type
  block.append(1, '\0').append(HpackString("te")).append(HpackString("trailers"));
  return block;
}

std::string Reset(uint32_t stream) {
  constexpr uint32_t kCancel = 8;
  return Frame(FrameType::kResetStream, 0, stream, BigEndian32(kCancel));
}

HostileClient::HostileClient(const std::string& target, Settings settings)
    : settings_(settings), descriptor_(Connect(target)), is_open_(descriptor_ >= 0) {
  Send(std::string(kPreface) + Frame(FrameType::kSettings, 0, 0, ""));
}

HostileClient::~HostileClient() {
  if (descriptor_ >= 0) close(descriptor_);
}

bool HostileClient::Send(std::string_view bytes) {
  unsent_.append(bytes);
  while (is_open_ && !unsent_.empty()) Turn(POLLIN | POLLOUT, std::chrono::milliseconds(1000));
  return is_open_;
}

bool HostileClient::WaitUntil(const std::function<bool()>& happened,
                              std::chrono::milliseconds bound) {
  const auto end = std::chrono::steady_clock::now() + bound;
  while (!happened()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (!is_open_ || left.count() <= 0) return false;
    Turn(unsent_.empty() ? POLLIN : POLLIN | POLLOUT, left);
  }
  return true;
}

void HostileClient::Turn(short events, std::chrono::milliseconds bound) {
  pollfd ready = {.fd = descriptor_, .events = events, .revents = 0};
  if (poll(&ready, 1, static_cast<int>(bound.count())) <= 0) return;
  if ((ready.revents & POLLIN) != 0) {
    std::array<char, 64 * 1024> buffer;
    const ssize_t bytes = recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (bytes > 0) {
      unread_.append(buffer.data(), static_cast<size_t>(bytes));
      ReadFrames();
    } else if (bytes == 0 || errno != EAGAIN) {
      is_open_ = false;
      return;
    }
  }
  if ((ready.revents & POLLOUT) != 0 && !unsent_.empty()) {
    const ssize_t bytes =
        send(descriptor_, unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (bytes > 0) {
      unsent_.erase(0, static_cast<size_t>(bytes));
    } else if (errno != EAGAIN) {
      is_open_ = false;
    }
  }
  if ((ready.revents & (POLLERR | POLLNVAL)) != 0) is_open_ = false;
}

void HostileClient::ReadFrames() {
  size_t start = 0;
  while (unread_.size() - start >= kFrameHeader) {
    const std::string_view rest = std::string_view(unread_).substr(start);
    const size_t length = ReadBigEndian(rest.substr(0, 3));
    if (rest.size() < kFrameHeader + length) break;
    OnFrame(static_cast<uint8_t>(rest[3]), static_cast<uint8_t>(rest[4]),
            ReadBigEndian(rest.substr(5, 4)), rest.substr(kFrameHeader, length));
    start += kFrameHeader + length;
  }
  unread_.erase(0, start);
}

void HostileClient::OnFrame(uint8_t type, uint8_t flags, uint32_t stream,
                            std::string_view payload) {
  switch (static_cast<FrameType>(type)) {
    case FrameType::kSettings:
      if ((flags & kEndStream) != 0) return;
      has_settings_ = true;
      if (settings_ == Settings::kAcknowledged) {
        unsent_.append(Frame(FrameType::kSettings, kEndStream, 0, ""));
      }
      return;
    case FrameType::kGoAway:
      goaway_code_ = ReadBigEndian(payload.substr(4, 4));
      return;
    case FrameType::kHeaders:
      if ((flags & kEndStream) != 0) answered_.insert(stream);
      return;
    default:
      return;
  }
}

}  // namespace gateway
