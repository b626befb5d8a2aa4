#include "service/http/curl_failure.h"

#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include <cerrno>
#include <set>
#include <string>
#include <string_view>

namespace gateway {
namespace {

using Kind = HttpFailure::Kind;

using enum TransportFault;

struct Case {
  std::string name;
  CURLcode code;
  Kind kind;
};

void PrintTo(const Case& test_case, std::ostream* out) { *out << test_case.name; }

class FailureOfCurlTest : public testing::TestWithParam<Case> {};

TEST_P(FailureOfCurlTest, HasItsKindAndAFault) {
  const bool is_lost = GetParam().kind == Kind::kConnectionLost;
  const HttpFailure failure = ToHttpFailure({.code = GetParam().code, .has_connection = is_lost});
  EXPECT_EQ(failure.kind, GetParam().kind);
  EXPECT_NE(failure.fault, kNone);
}

INSTANTIATE_TEST_SUITE_P(
    Table, FailureOfCurlTest,
    testing::Values(Case{"ResolveHost", CURLE_COULDNT_RESOLVE_HOST, Kind::kResolve},
                    Case{"ResolveProxy", CURLE_COULDNT_RESOLVE_PROXY, Kind::kResolve},
                    Case{"Connect", CURLE_COULDNT_CONNECT, Kind::kConnect},
                    Case{"ConnectTimeout", CURLE_OPERATION_TIMEDOUT, Kind::kConnect},
                    Case{"Proxy", CURLE_PROXY, Kind::kConnect},
                    Case{"Handshake", CURLE_SSL_CONNECT_ERROR, Kind::kTls},
                    Case{"Certificate", CURLE_PEER_FAILED_VERIFICATION, Kind::kTls},
                    Case{"CaFile", CURLE_SSL_CACERT_BADFILE, Kind::kTls},
                    Case{"Nothing", CURLE_GOT_NOTHING, Kind::kConnectionLost},
                    Case{"Send", CURLE_SEND_ERROR, Kind::kConnectionLost},
                    Case{"Receive", CURLE_RECV_ERROR, Kind::kConnectionLost},
                    Case{"Partial", CURLE_PARTIAL_FILE, Kind::kConnectionLost},
                    Case{"Stream", CURLE_HTTP2_STREAM, Kind::kConnectionLost},
                    Case{"Rewind", CURLE_SEND_FAIL_REWIND, Kind::kConnectionLost},
                    Case{"Aborted", CURLE_ABORTED_BY_CALLBACK, Kind::kConnectionLost},
                    Case{"Http09", CURLE_UNSUPPORTED_PROTOCOL, Kind::kProtocol},
                    Case{"Weird", CURLE_WEIRD_SERVER_REPLY, Kind::kProtocol},
                    Case{"Framing", CURLE_HTTP2, Kind::kProtocol},
                    Case{"TooLarge", CURLE_FILESIZE_EXCEEDED, Kind::kTooLarge},
                    Case{"Anything", CURLE_OUT_OF_MEMORY, Kind::kOther}),
    [](const auto& info) { return info.param.name; });

struct FaultCase {
  std::string name;
  CurlEnd end;
  TransportFault fault;
};

void PrintTo(const FaultCase& test_case, std::ostream* out) { *out << test_case.name; }

class FaultOfCurlTest : public testing::TestWithParam<FaultCase> {};

TEST_P(FaultOfCurlTest, IsToldApart) {
  EXPECT_EQ(FaultName(ToHttpFailure(GetParam().end).fault), FaultName(GetParam().fault));
}

CurlEnd Refused(long status) {
  return {.code = CURLE_RECV_ERROR, .route = CurlRoute::kPlainProxy, .connect_status = status};
}
CurlEnd Certificate(long verify_result) {
  return {.code = CURLE_PEER_FAILED_VERIFICATION, .verify_result = verify_result};
}

INSTANTIATE_TEST_SUITE_P(
    Table, FaultOfCurlTest,
    testing::Values(
        FaultCase{"Refused",
                  {.code = CURLE_COULDNT_CONNECT, .connect_errno = ECONNREFUSED},
                  kConnectionRefused},
        FaultCase{"NoRoute",
                  {.code = CURLE_COULDNT_CONNECT, .connect_errno = ENETUNREACH},
                  kConnectFailed},
        FaultCase{"KernelTimeout",
                  {.code = CURLE_COULDNT_CONNECT, .connect_errno = ETIMEDOUT},
                  kConnectTimeout},
        FaultCase{"Timeout", {.code = CURLE_OPERATION_TIMEDOUT}, kConnectTimeout},
        FaultCase{
            "TlsTimeout", {.code = CURLE_OPERATION_TIMEDOUT, .has_socket = true}, kTlsTimeout},
        FaultCase{"ResetInTheHandshake", {.code = CURLE_RECV_ERROR}, kTlsFailed},
        FaultCase{"WrongName", Certificate(X509_V_OK), kCertificateWrongName},
        FaultCase{"NoVerdict", Certificate(X509_V_ERR_UNSPECIFIED), kCertificateWrongName},
        FaultCase{"Expired", Certificate(X509_V_ERR_CERT_HAS_EXPIRED), kCertificateExpired},
        FaultCase{"TooEarly", Certificate(X509_V_ERR_CERT_NOT_YET_VALID), kCertificateNotYetValid},
        FaultCase{"SelfSigned", Certificate(X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT),
                  kCertificateSelfSigned},
        FaultCase{"UnknownRoot", Certificate(X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN),
                  kCertificateUnknownAuthority},
        FaultCase{"UnknownIssuer", Certificate(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY),
                  kCertificateUnknownAuthority},
        FaultCase{"OtherCertificate", Certificate(X509_V_ERR_INVALID_PURPOSE), kCertificateInvalid},
        FaultCase{"Proxy403", Refused(403), kProxyForbidden},
        FaultCase{"Proxy407", Refused(407), kProxyAuthenticationRequired},
        FaultCase{"Proxy502", Refused(502), kProxyBadGateway},
        FaultCase{"Proxy503", Refused(503), kProxyUnavailable},
        FaultCase{"Proxy504", Refused(504), kProxyGatewayTimeout},
        FaultCase{"Proxy418", Refused(418), kProxyRefused},
        FaultCase{"ProxyCloses", Refused(0), kProxyClosed},
        FaultCase{"ProxyAway",
                  {.code = CURLE_COULDNT_CONNECT,
                   .route = CurlRoute::kPlainProxy,
                   .connect_errno = ECONNREFUSED},
                  kProxyConnectionRefused},
        FaultCase{
            "ProxyHangs",
            {.code = CURLE_OPERATION_TIMEDOUT, .route = CurlRoute::kPlainProxy, .has_socket = true},
            kProxyTimeout},
        FaultCase{"ProxyCertificate",
                  {.code = CURLE_PEER_FAILED_VERIFICATION,
                   .route = CurlRoute::kTlsProxy,
                   .verify_result = X509_V_ERR_UNSPECIFIED,
                   .proxy_verify_result = X509_V_ERR_CERT_HAS_EXPIRED},
                  kProxyCertificateExpired},
        FaultCase{"CertificateBehindAProxy",
                  {.code = CURLE_PEER_FAILED_VERIFICATION,
                   .route = CurlRoute::kTlsProxy,
                   .connect_status = 200,
                   .verify_result = X509_V_ERR_CERT_HAS_EXPIRED},
                  kCertificateExpired},
        FaultCase{
            "Resend", {.code = CURLE_ABORTED_BY_CALLBACK, .has_connection = true}, kResendRefused},
        FaultCase{
            "Rewind", {.code = CURLE_SEND_FAIL_REWIND, .has_connection = true}, kResendRefused},
        FaultCase{
            "LostAndNotMadeAgain",
            {.code = CURLE_COULDNT_CONNECT, .connect_errno = ECONNREFUSED, .has_connection = true},
            kConnectionLost},
        FaultCase{"Other", {.code = CURLE_OUT_OF_MEMORY}, kInternal}),
    [](const auto& info) { return info.param.name; });

// What operators grep for, and callers see.
TEST(TransportFaultTest, EachHasANameAndWordsOfItsOwn) {
  std::set<std::string_view> seen;
  for (const TransportFault fault : AllTransportFaults()) {
    EXPECT_TRUE(seen.insert(FaultName(fault)).second) << FaultName(fault);
    EXPECT_TRUE(seen.insert(FaultWords(fault)).second) << FaultWords(fault);
  }
}

}  // namespace
}  // namespace gateway
