#ifndef SERVICE_HTTP_KEPT_CONNECTION_H_
#define SERVICE_HTTP_KEPT_CONNECTION_H_

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace gateway {

// What can be known of a connection between two requests. Nothing is due then: whatever comes is
// its end, or a response that nobody asked for and that the next request would take for its own.
//
// It need not wait in the socket. OpenSSL reads whole records, and libcurl takes from them what the
// current response still needs, so the rest of a record waits in the TLS session.

// The TLS sessions of one connection: with a proxy, if it speaks TLS, and then with the server.
// libcurl owns them, and frees them when it closes the connection's socket.
using TlsSessions = std::vector<const SSL*>;

// Adds the session that is about to be made with `settings` to `sessions`.
void CollectSession(SSL_CTX* settings, std::shared_ptr<TlsSessions> sessions);

// Whether anything came that was not read, the connection's end included. `sessions` may be null.
bool HasUnread(int socket, const TlsSessions* sessions);

// Whether the connection agreed on HTTP/2 with the server. `sessions` may be null.
bool SpeaksHttp2(const TlsSessions* sessions);

// All bytes that ever came on a TCP connection, read or not.
uint64_t BytesReceived(int socket);

// Ends a connection that libcurl keeps, and keeps open as a descriptor. libcurl takes a waiting
// byte for a sign of life (7.88; fixed in 8.0), so nothing may be left to read.
void EndConnection(int socket);

}  // namespace gateway

#endif  // SERVICE_HTTP_KEPT_CONNECTION_H_
