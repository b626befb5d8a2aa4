#include "service/http/response_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"

namespace gateway {
namespace {

// A server sends one or two. Each takes libcurl longer than as many bytes of headers.
constexpr int kMaxInterimResponses = 20;

std::string_view WithoutSpaceAround(std::string_view text) {
  while (!text.empty() && absl::ascii_isspace(static_cast<unsigned char>(text.front()))) {
    text.remove_prefix(1);
  }
  while (!text.empty() && absl::ascii_isspace(static_cast<unsigned char>(text.back()))) {
    text.remove_suffix(1);
  }
  return text;
}

bool EqualsLowerCase(std::string_view text, std::string_view lower_case) {
  return std::ranges::equal(text, lower_case, [](char a, char b) {
    return absl::ascii_tolower(static_cast<unsigned char>(a)) == b;
  });
}

}  // namespace

void ResponseReader::Reset(size_t bytes_allowed) {
  max_body_bytes_ = std::max(limits_.max_response_bytes, bytes_allowed);
  response_ = HttpResponse();
  header_bytes_ = 0;
  interim_responses_ = 0;
  has_status_line_ = false;
  in_headers_ = false;
  is_too_large_ = false;
}

bool ResponseReader::AddHeaderLine(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > limits_.max_header_bytes) {
    is_too_large_ = true;
    return false;
  }
  if (line.starts_with("HTTP/")) {
    // A status line: what came before was an interim response.
    if (has_status_line_ && ++interim_responses_ > kMaxInterimResponses) {
      is_too_large_ = true;
      return false;
    }
    response_.headers.clear();
    has_status_line_ = true;
    in_headers_ = true;
    return true;
  }
  if (WithoutSpaceAround(line).empty()) {
    in_headers_ = false;  // trailers follow the body and are not kept
    return true;
  }
  if (in_headers_) KeepHeader(line);
  return true;
}

bool ResponseReader::AddBody(std::string_view piece) {
  if (piece.size() > max_body_bytes_ - response_.body.size()) {
    is_too_large_ = true;
    return false;
  }
  response_.body.append(piece);
  return true;
}

bool ResponseReader::ExpectBody(uint64_t bytes) {
  if (bytes > max_body_bytes_) {
    is_too_large_ = true;
    return false;
  }
  response_.body.reserve(bytes);
  return true;
}

HttpResponse ResponseReader::Finish(int status) {
  response_.status = status;
  return std::exchange(response_, HttpResponse());
}

void ResponseReader::KeepHeader(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view name = WithoutSpaceAround(line.substr(0, colon));
  for (const std::string& kept : limits_.kept_response_headers) {
    if (!EqualsLowerCase(name, kept)) continue;
    response_.headers.emplace_back(kept, WithoutSpaceAround(line.substr(colon + 1)));
    return;
  }
}

}  // namespace gateway
