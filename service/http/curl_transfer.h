#ifndef SERVICE_HTTP_CURL_TRANSFER_H_
#define SERVICE_HTTP_CURL_TRANSFER_H_

#include <curl/curl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "service/base/clock.h"
#include "service/base/deadline.h"
#include "service/base/event_loop.h"
#include "service/base/one_shot.h"
#include "service/http/curl_failure.h"
#include "service/http/curl_header_list.h"
#include "service/http/curl_multi_loop.h"
#include "service/http/http_client.h"
#include "service/http/kept_connection.h"
#include "service/http/response_intake.h"
#include "service/http/response_memory.h"
#include "service/http/response_reader.h"
#include "service/http/trust_store.h"

namespace gateway {

// What all transfers of a client have in common.
struct CurlTransferSettings {
  Milliseconds connect_timeout{0};
  Milliseconds idle_connection_timeout{0};
  bool http2 = false;
  TrustStore trust;
  std::string proxy;
  std::string user_agent;
  ResponseReader::Limits limits;
  // The clock of the send gate.
  std::function<BootTime()> boot_now;
};

// One easy handle and the request that it carries at the moment. Loop thread only.
//
// The body leaves at most once. libcurl sends a POST again by itself when a reused connection dies
// before a response, but asks `OnPreRequest` before everything that it sends, and is refused there;
// nor may it make another socket then.
//
// A short body goes out with the headers over HTTP/1.1, in one send right after that question. An
// HTTP/2 server may let the headers in and hold the body back for as long as it likes, and a long
// body takes its time: libcurl asks for those piece by piece, at the moment when the piece can
// leave, and so is the send gate.
class CurlTransfer {
 public:
  // All outlive the transfer.
  CurlTransfer(EventLoop& loop, const CurlTransferSettings& settings, ResponseMemory& memory);
  ~CurlTransfer();
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  // Starts sending `request`, which stays where it is until the end, as `multi` does. `addresses`
  // is an entry for libcurl's cache (CURLOPT_RESOLVE) or null.
  void Start(CurlMultiLoop& multi, const HttpRequest& request, CurlHeaderList headers,
             CurlHeaderList addresses, Deadline deadline);

  // The end of what was started; to be awaited once.
  OneShot<HttpResult>& end() { return *end_; }

  // Breaks the transfer off. One that has ended and waits for its turn need not wait any longer.
  void Abort(HttpFailure failure);
  void AbortAsTooLarge();

  // The connection that libcurl took from its pool was not clean, so nothing was sent: the request
  // is to be started again, on a fresh connection.
  bool MetUncleanConnection() const { return met_unclean_connection_; }

  // libcurl is done with it (and does not know the handle any longer); the one who waits is told by
  // `Complete`.
  void OnEnd(CURLcode code);
  void Complete();
  // The end is told when there is room for what is made of it, at the deadline at the latest.
  void WaitForSlot();
  bool NeedsTurn() const {
    return IsLarge() && std::holds_alternative<HttpResponse>(result_.response_or_failure);
  }
  // Whether what came so far takes more memory, and may take more time, than most responses do.
  bool IsLarge() const { return body_share_ != nullptr; }
  bool HasWholeHeaders() const { return reader_.has_whole_headers(); }
  bool IsWrite() const { return request_->method == HttpMethod::kPost; }

  // As much may come on its connection for it: headers, framing and whatever else a server adds.
  uint64_t MaxWireBytes() const;

  // Has it wait for its turn to be read on; `bytes` of it have come since the last one.
  void Hold(size_t bytes);
  // Whether it waits for that, or until there is room, and the end of that wait.
  bool IsHeld() const { return place_.in_line.has_value() && !place_.is_ended; }
  void ReadOn();
  ResponseIntake::Place& place() { return place_; }

  // Whether the request reached the point where a connection, new or reused, was there for it.
  bool HasConnected() const { return connections_used_ > 0; }

  // Whether the handle may carry another request. One that failed or was broken off may not.
  bool IsReusable() const { return is_reusable_; }

 private:
  void SetConstantOptions(const CurlTransferSettings& settings);
  static CURLcode OnTlsSettings(CURL* easy, void* settings, void* trust);
  static size_t OnReadBody(char* buffer, size_t size, size_t count, void* self);
  static size_t OnHeaderLine(char* line, size_t size, size_t count, void* self);
  static size_t OnBody(char* piece, size_t size, size_t count, void* self);
  static int OnSocketCreated(void* self, curl_socket_t socket, curlsocktype purpose);
  void ReportConnectedSocket(int local_port);
  static int OnPreRequest(void* self, char* primary_ip, char* local_ip, int primary_port,
                          int local_port);
  // What libcurl is told of a piece of the body.
  size_t AddBody(std::string_view piece);
  bool MayReadOn(size_t bytes);
  std::variant<HttpResponse, HttpFailure> ResponseOrFailure(CURLcode code);
  bool IsLossOnReuse(CURLcode code) const;
  bool MustNotResend() const;
  bool SendGateIsOpen();

  const std::function<BootTime()> boot_now_;
  const bool speaks_http2_;
  const CurlRoute route_;
  CURL* const easy_;
  Timer deadline_timer_;
  ResponseReader reader_;
  ResponseMemory& memory_;

  CurlMultiLoop* multi_ = nullptr;
  const HttpRequest* request_ = nullptr;
  CurlHeaderList headers_;
  CurlHeaderList addresses_;
  std::optional<Deadline> deadline_;
  std::optional<OneShot<HttpResult>> end_;
  HttpResult result_;
  std::unique_ptr<ResponseMemory::Share> body_share_;  // only if it is large
  ResponseIntake::Place place_;
  bool is_running_ = false;
  bool is_reusable_ = false;
  bool body_requested_ = false;
  bool body_goes_with_headers_ = false;
  bool send_gate_was_closed_ = false;
  size_t body_bytes_given_ = 0;
  int connections_used_ = 0;
  bool is_on_reused_connection_ = false;
  bool met_unclean_connection_ = false;
  std::vector<int> sockets_made_;          // of the connection that is being made
  std::shared_ptr<TlsSessions> tls_made_;  // likewise
};

}  // namespace gateway

#endif  // SERVICE_HTTP_CURL_TRANSFER_H_
