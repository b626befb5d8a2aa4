#ifndef SERVICE_HTTP_CURL_MULTI_LOOP_H_
#define SERVICE_HTTP_CURL_MULTI_LOOP_H_

#include <curl/curl.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "service/base/deadline.h"
#include "service/base/event_loop.h"
#include "service/http/kept_connection.h"
#include "service/http/response_intake.h"
#include "service/observability/metrics.h"

namespace gateway {

class CurlTransfer;

// What is counted of the connections of several multi handles.
struct ConnectionCounts {
  std::atomic<uint64_t> opened = 0;
  const Gauge open;
};

// A multi handle of libcurl on the event loop: waits for its sockets and its timer, and tells each
// transfer its end. A pool of idle connections lives in it. Loop thread only.
//
// libcurl must not be called from its own callbacks, and a transfer's end may start or stop other
// transfers. So the callbacks here only note what to wait for, and ends are told when libcurl has
// returned and its messages are read.
class CurlMultiLoop {
 public:
  enum class Multiplexing { kOff, kOn };

  // `max_connections` bounds the pool; below the number of transfers at a time it would make every
  // call connect anew. Idle connections are closed once nothing was sent for `idle_timeout`.
  // `intake` and `counts` outlive this.
  CurlMultiLoop(EventLoop& loop, ResponseIntake& intake, size_t max_connections,
                Milliseconds idle_timeout, Multiplexing multiplexing, ConnectionCounts& counts);
  // No transfer is added by then.
  ~CurlMultiLoop();
  CurlMultiLoop(const CurlMultiLoop&) = delete;
  CurlMultiLoop& operator=(const CurlMultiLoop&) = delete;

  // Starts a transfer with `easy`, whose CURLOPT_PRIVATE is its CurlTransfer. False if libcurl is
  // out of memory. Nothing happens before the end of the loop's turn.
  bool Add(CURL* easy);
  // Ends it without telling.
  void Remove(CURL* easy);

  // From CURLOPT_SOCKOPTFUNCTION: libcurl has made this socket and begins to connect it.
  void OnSocketCreated(int socket);
  // It is connected, from `local_port`; `tls` is null without TLS. libcurl tells when it closes
  // such a one, and closes the others in silence.
  void OnSocketConnected(int socket, int local_port, std::shared_ptr<const TlsSessions> tls);
  // From CURLOPT_PREREQFUNCTION, for a connection that was made for an earlier request: whether
  // nothing came on it since. One that is not clean is ended. (One that carries other requests at
  // the moment goes on. It is clean if it agreed on HTTP/2, which says what belongs to which.)
  bool IsClean(int local_port);
  // For CURLOPT_CLOSESOCKETFUNCTION, with the CurlMultiLoop as its data.
  static int OnSocketClosed(void* self, curl_socket_t socket);

  // A transfer that was held is read on from here.
  void OnReadOn(CurlTransfer& resumed);

  ResponseIntake& intake() { return intake_; }

  // Transfers added and not ended.
  size_t running() const { return running_; }

  // Grows whenever all idle connections, and with them libcurl's cache of addresses, are dropped.
  uint64_t generation() const { return generation_; }

 private:
  struct LessOneOpen {
    void operator()(const Gauge* open) const { open->Add(-1); }
  };
  struct Socket {
    std::unique_ptr<DescriptorWatch> watch;
    std::shared_ptr<const TlsSessions> tls;
    int local_port = 0;
    // Of the responses that come at present: how often something came, and all that came on the
    // connection before them.
    unsigned reads = 0;
    uint64_t received_before = 0;
    // The same when a turn was counted last.
    uint64_t received_in_turns = 0;
    // Whose response it is. Null where there may be several.
    CurlTransfer* transfer = nullptr;
    bool is_connected = false;
    bool is_idle = false;
    // Counts it as open from the time when it is connected to its end.
    std::unique_ptr<const Gauge, LessOneOpen> counted;
  };

  void CreateMulti();
  void DestroyMulti();
  static int OnSocketRequest(CURL* easy, curl_socket_t socket, int what, void* self, void* ignored);
  static int OnTimerRequest(CURLM* multi, long milliseconds, void* self);
  void OnReady(int descriptor, unsigned events);
  void CountAnew(Socket& entry, int descriptor);
  bool ExceedsWireBytes(const Socket& entry, uint64_t received) const;
  void Drive(curl_socket_t socket, int events);
  void RemoveEnded();
  void HoldWhatGoesOn();
  void CompleteEnded();
  void CloseIdleConnections();

  EventLoop& loop_;
  ResponseIntake& intake_;
  const size_t max_connections_;
  const Milliseconds idle_timeout_;
  const Multiplexing multiplexing_;
  ConnectionCounts& counts_;
  CURLM* multi_ = nullptr;
  Timer curl_timer_;
  EndOfTurnCallback drive_now_;
  Timer idle_timer_;
  absl::flat_hash_map<int, Socket> sockets_;  // by descriptor
  size_t running_ = 0;
  uint64_t max_wire_bytes_ = 0;  // of all that are running
  // Whether libcurl has asked to be called again at once.
  bool goes_on_ = false;
  std::vector<CurlTransfer*> reading_;  // what that may be for
  std::vector<CurlTransfer*> ended_;    // kept for its capacity
  uint64_t generation_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_CURL_MULTI_LOOP_H_
