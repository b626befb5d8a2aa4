#ifndef SERVICE_HTTP_RESPONSE_READER_H_
#define SERVICE_HTTP_RESPONSE_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "service/http/http_client.h"

namespace gateway {

// Collects one answer as libcurl hands it over, header line by header line and body piece by piece,
// and says no as soon as it exceeds a limit.
class ResponseReader {
 public:
  struct Limits {
    size_t max_response_bytes = 0;
    // Names and values of all headers together, interim responses (1xx) and trailers included.
    size_t max_header_bytes = 0;
    // In lower case.
    std::vector<std::string> kept_response_headers;
  };

  // `limits` outlives the reader.
  explicit ResponseReader(const Limits& limits)
      : limits_(limits), max_body_bytes_(limits.max_response_bytes) {}

  // For the next answer, whose body may have `bytes_allowed` even where the limit is lower.
  void Reset(size_t bytes_allowed = 0);

  // One status line or header line, or the empty line that ends them. False: too large.
  bool AddHeaderLine(std::string_view line);
  // A piece of the body. False: too large.
  bool AddBody(std::string_view piece);
  // The body says that it will be of so many bytes. False: too large. Then it does not grow and
  // move again and again, and what does not come is not touched.
  bool ExpectBody(uint64_t bytes);

  size_t max_body_bytes() const { return max_body_bytes_; }
  // Of what came so far.
  size_t body_bytes() const { return response_.body.size(); }

  // Takes no more of it, as if it were too large.
  void GiveUp() { is_too_large_ = true; }

  bool has_begun() const { return header_bytes_ > 0; }
  bool is_too_large() const { return is_too_large_; }
  // The headers came with the empty line that ends them. libcurl takes a response that is cut in
  // its headers for a whole one without a body.
  bool has_whole_headers() const { return has_status_line_ && !in_headers_; }
  // Hands over what was collected.
  HttpResponse Finish(int status);

 private:
  void KeepHeader(std::string_view line);

  const Limits& limits_;
  HttpResponse response_;
  size_t max_body_bytes_ = 0;
  size_t header_bytes_ = 0;
  int interim_responses_ = 0;
  bool has_status_line_ = false;
  bool in_headers_ = false;
  bool is_too_large_ = false;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_RESPONSE_READER_H_
