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
  kResetStream = 3,
  kSettings = 4,
  kGoAway = 7,
  kContinuation = 9
};

inline constexpr uint8_t kEndStream = 0x1;  // also SETTINGS's ACK
inline constexpr uint8_t kEndHeaders = 0x4;

// A frame of HTTP/2, right or wrong.
std::string Frame(FrameType type, uint8_t flags, uint32_t stream, std::string_view payload);

// The header block of a gRPC request to `method`, as "/package.Service/Method".
std::string RequestHeaders(std::string_view method);

// An RST_STREAM with CANCEL.
std::string Reset(uint32_t stream);

// A connection that sends whatever it is told, and reads what comes back, so that the gateway never
// waits for it. Of one thread.
class HostileClient {
 public:
  enum class Settings { kAcknowledged, kIgnored };

  // Connects to "127.0.0.1:PORT" and sends the preface. Does not wait for the gateway's SETTINGS.
  HostileClient(const std::string& target, Settings settings);
  ~HostileClient();
  HostileClient(const HostileClient&) = delete;
  HostileClient& operator=(const HostileClient&) = delete;

  // False once the connection is gone.
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

  const Settings settings_;
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
