#include "tests/attack/hostile_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace gateway {
namespace {

constexpr size_t kFrameHeader = 9;

// More than that is not sent.
constexpr size_t kMaxUnsent = size_t{4} * 1024 * 1024;

uint32_t ReadBigEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

// HPACK's string, without Huffman coding.
std::string HpackString(std::string_view text) {
  constexpr size_t kFitsIntoOneByte = 126;
  std::string bytes;
  size_t length = text.size();
  if (length <= kFitsIntoOneByte) {
    bytes.push_back(static_cast<char>(length));
    return bytes.append(text);
  }
  bytes.push_back(kFitsIntoOneByte + 1);
  for (length -= kFitsIntoOneByte + 1; length >= 128; length /= 128) {
    bytes.push_back(static_cast<char>(length % 128 + 128));
  }
  bytes.push_back(static_cast<char>(length));
  return bytes.append(text);
}

int ConnectTo(const sockaddr* endpoint, socklen_t length, const std::string& from = "") {
  const int descriptor = socket(endpoint->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (!from.empty()) {
    sockaddr_in own = {};
    own.sin_family = AF_INET;
    inet_pton(AF_INET, from.c_str(), &own.sin_addr);
    if (bind(descriptor, reinterpret_cast<sockaddr*>(&own), sizeof(own)) != 0) return -1;
  }
  if (connect(descriptor, endpoint, length) == 0) return descriptor;
  close(descriptor);
  return -1;
}

int Connect(const std::string& target, const std::string& from) {
  constexpr std::string_view kUnix = "unix:";
  if (target.starts_with(kUnix)) {
    sockaddr_un endpoint = {};
    endpoint.sun_family = AF_UNIX;
    target.copy(static_cast<char*>(endpoint.sun_path), sizeof(endpoint.sun_path) - 1, kUnix.size());
    return ConnectTo(reinterpret_cast<sockaddr*>(&endpoint), sizeof(endpoint));
  }
  const size_t colon = target.rfind(':');
  const auto port = htons(static_cast<uint16_t>(std::stoi(target.substr(colon + 1))));
  if (target.starts_with('[')) {
    sockaddr_in6 endpoint = {};
    endpoint.sin6_family = AF_INET6;
    endpoint.sin6_port = port;
    inet_pton(AF_INET6, target.substr(1, colon - 2).c_str(), &endpoint.sin6_addr);
    return ConnectTo(reinterpret_cast<sockaddr*>(&endpoint), sizeof(endpoint));
  }
  sockaddr_in endpoint = {};
  endpoint.sin_family = AF_INET;
  endpoint.sin_port = port;
  inet_pton(AF_INET, target.substr(0, colon).c_str(), &endpoint.sin_addr);
  return ConnectTo(reinterpret_cast<sockaddr*>(&endpoint), sizeof(endpoint), from);
}

}  // namespace

std::string BigEndian16(uint16_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string BigEndian32(uint32_t value) {
  return BigEndian16(static_cast<uint16_t>(value >> 16)) +
         BigEndian16(static_cast<uint16_t>(value));
}

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
  return block.append(Field("te", "trailers"));
}

std::string Field(std::string_view name, std::string_view value) {
  return std::string(1, '\0').append(HpackString(name)).append(HpackString(value));
}

std::string Message(std::string_view content) {
  return std::string(1, '\0')
      .append(BigEndian32(static_cast<uint32_t>(content.size())))
      .append(content);
}

std::string Call(uint32_t stream, std::string_view content) {
  return Frame(FrameType::kHeaders, kEndHeaders, stream, RequestHeaders()) +
         Frame(FrameType::kData, kEndStream, stream, Message(content));
}

std::string Reset(uint32_t stream) {
  constexpr uint32_t kCancel = 8;
  return Frame(FrameType::kResetStream, 0, stream, BigEndian32(kCancel));
}

HostileClient::HostileClient(const std::string& target, const Options& options)
    : options_(options), descriptor_(Connect(target, options.from)), is_open_(descriptor_ >= 0) {
  if (options.beginning == Beginning::kNothing) return;
  Send(std::string(kPreface) + Frame(FrameType::kSettings, 0, 0, ""));
}

HostileClient::~HostileClient() {
  if (descriptor_ >= 0) close(descriptor_);
}

bool HostileClient::Send(std::string_view bytes) {
  if (unsent_.size() < kMaxUnsent) unsent_.append(bytes);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (is_open_ && !unsent_.empty() && std::chrono::steady_clock::now() < end) {
    Turn(POLLIN | POLLOUT, std::chrono::milliseconds(100));
  }
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
  if (options_.reading == Reading::kNever) events &= ~POLLIN;
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
  if ((ready.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) is_open_ = false;
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
      if (options_.settings == Settings::kAcknowledged) {
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
