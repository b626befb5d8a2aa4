#ifndef TESTS_ATTACK_HOSTILE_CLIENT_H_
#define TESTS_ATTACK_HOSTILE_CLIENT_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace gateway {

enum class FrameType : uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kResetStream = 3,
  kSettings = 4,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
  kContinuation = 9
};

inline constexpr uint8_t kEndStream = 0x1;  // also SETTINGS's ACK
inline constexpr uint8_t kEndHeaders = 0x4;

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr std::string_view kAddMethod =
    "/passfort.gateway.v1.ProductApplicationService/AddProductApplication";
inline constexpr size_t kMaxFrame = size_t{16} * 1024;

std::string BigEndian16(uint16_t value);
std::string BigEndian32(uint32_t value);

// A frame of HTTP/2, right or wrong.
std::string Frame(FrameType type, uint8_t flags, uint32_t stream, std::string_view payload);

// The header block of a gRPC request to `method`, as "/package.Service/Method".
std::string RequestHeaders(std::string_view method = kAddMethod);
// A header field that no table remembers.
std::string Field(std::string_view name, std::string_view value);

// A gRPC message with this content.
std::string Message(std::string_view content);

// A whole call, its headers and its message.
std::string Call(uint32_t stream, std::string_view content);

// An RST_STREAM with CANCEL.
std::string Reset(uint32_t stream);

// A connection that sends whatever it is told, and reads what comes back unless it is told not to.
// Of one thread.
class HostileClient {
 public:
  enum class Settings { kAcknowledged, kIgnored };
  enum class Reading { kAlways, kNever };
  // What HTTP/2 begins with: the preface and SETTINGS.
  enum class Beginning { kHttp2, kNothing };

  struct Options {
    Settings settings = Settings::kAcknowledged;
    Reading reading = Reading::kAlways;
    Beginning beginning = Beginning::kHttp2;
    // The address it calls from; empty: as the kernel chooses.
    std::string from = {};
  };

  // Connects to "127.0.0.1:PORT", "[::1]:PORT" or "unix:/path". Does not wait for the gateway's
  // SETTINGS.
  explicit HostileClient(const std::string& target) : HostileClient(target, Options()) {}
  HostileClient(const std::string& target, const Options& options);
  ~HostileClient();
  HostileClient(const HostileClient&) = delete;
  HostileClient& operator=(const HostileClient&) = delete;

  // False once the connection is gone. If the gateway takes nothing, it tries for a second, and the
  // next time again.
  bool Send(std::string_view bytes);
  bool is_open() const { return is_open_; }

  // Reads until it `happened`, the connection is gone or `bound` is over; returns whether it did.
  bool WaitUntil(const std::function<bool()>& happened, std::chrono::milliseconds bound);

  // What has come so far.
  bool has_settings() const { return has_settings_; }
  std::optional<uint32_t> goaway_code() const { return goaway_code_; }
  bool IsAnswered(uint32_t stream) const { return answered_.contains(stream); }

 private:
  // Waits for the socket to be ready for `events`, but no longer than `bound`.
  void Turn(short events, std::chrono::milliseconds bound);
  void ReadFrames();
  void OnFrame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload);

  const Options options_;
  int descriptor_ = -1;
  bool is_open_ = false;
  std::string unsent_;
  std::string unread_;
  bool has_settings_ = false;
  std::optional<uint32_t> goaway_code_;
  std::set<uint32_t> answered_;
};

}  // namespace gateway

#endif  // TESTS_ATTACK_HOSTILE_CLIENT_H_
