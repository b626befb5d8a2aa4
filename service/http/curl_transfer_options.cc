// The options of libcurl that are the same for all transfers of a client.

#include <algorithm>
#include <chrono>

#include "service/http/curl_multi_loop.h"
#include "service/http/curl_transfer.h"

namespace gateway {
namespace {

// The smallest that libcurl takes. A body that is asked for needs it as long as a response is
// waited for.
constexpr long kUploadBufferBytes = 16 * 1024;
// libcurl compares whole seconds and closes what is *older*; this closes what is as old.
long MaxAgeSeconds(Milliseconds idle_timeout) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(idle_timeout).count();
  return static_cast<long>(std::max<Milliseconds::rep>(seconds - 1, 0));
}

}  // namespace

void CurlTransfer::SetConstantOptions(const CurlTransferSettings& settings) {
  curl_easy_setopt(easy_, CURLOPT_PRIVATE, this);
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy_, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy_, CURLOPT_PATH_AS_IS, 1L);
  // Addresses that libcurl found by itself are not kept; those it was given are, for good.
  curl_easy_setopt(easy_, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
  curl_easy_setopt(easy_, CURLOPT_USERAGENT, settings.user_agent.c_str());

  // An empty proxy and an empty list of exceptions keep libcurl from reading the environment.
  curl_easy_setopt(easy_, CURLOPT_PROXY, settings.proxy.c_str());
  curl_easy_setopt(easy_, CURLOPT_NOPROXY, "");
  curl_easy_setopt(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy_, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));

  curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy_, CURLOPT_PROXY_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  // libcurl reads no file of its own.
  for (const CURLoption file :
       {CURLOPT_CAINFO, CURLOPT_CAPATH, CURLOPT_PROXY_CAINFO, CURLOPT_PROXY_CAPATH}) {
    curl_easy_setopt(easy_, file, nullptr);
  }
  curl_easy_setopt(easy_, CURLOPT_SSL_CTX_FUNCTION, &CurlTransfer::OnTlsSettings);
  curl_easy_setopt(easy_, CURLOPT_SSL_CTX_DATA, &settings.trust);

  curl_easy_setopt(
      easy_, CURLOPT_HTTP_VERSION,
      static_cast<long>(settings.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  // A burst shares the first connection instead of making one for each request.
  curl_easy_setopt(easy_, CURLOPT_PIPEWAIT, settings.http2 ? 1L : 0L);
  curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(settings.connect_timeout.count()));
  curl_easy_setopt(easy_, CURLOPT_MAXAGE_CONN, MaxAgeSeconds(settings.idle_connection_timeout));
  curl_easy_setopt(easy_, CURLOPT_UPLOAD_BUFFERSIZE, kUploadBufferBytes);

  // For a body that is asked for. No seek callback, on purpose: libcurl could send a body a second
  // time with one.
  curl_easy_setopt(easy_, CURLOPT_READFUNCTION, &CurlTransfer::OnReadBody);
  curl_easy_setopt(easy_, CURLOPT_READDATA, this);
  curl_easy_setopt(easy_, CURLOPT_PREREQFUNCTION, &CurlTransfer::OnPreRequest);
  curl_easy_setopt(easy_, CURLOPT_PREREQDATA, this);
  curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &CurlTransfer::OnHeaderLine);
  curl_easy_setopt(easy_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &CurlTransfer::OnBody);
  curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy_, CURLOPT_SOCKOPTFUNCTION, &CurlTransfer::OnSocketCreated);
  curl_easy_setopt(easy_, CURLOPT_SOCKOPTDATA, this);
  curl_easy_setopt(easy_, CURLOPT_CLOSESOCKETFUNCTION, &CurlMultiLoop::OnSocketClosed);
}

}  // namespace gateway
