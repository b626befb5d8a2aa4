#ifndef SERVICE_PASSFORT_HTTP_STATUS_H_
#define SERVICE_PASSFORT_HTTP_STATUS_H_

namespace gateway {

constexpr bool IsSuccess(int status) { return status >= 200 && status <= 299; }
// The server is at fault, or something before it.
constexpr bool IsServerFailure(int status) { return status == 408 || status >= 500; }

}  // namespace gateway

#endif  // SERVICE_PASSFORT_HTTP_STATUS_H_
