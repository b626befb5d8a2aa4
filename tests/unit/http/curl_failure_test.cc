#include "service/http/curl_failure.h"

#include <gtest/gtest.h>

#include <string>

namespace gateway {
namespace {

using Kind = HttpFailure::Kind;

struct Case {
  std::string name;
  CURLcode code;
  Kind kind;
};

void PrintTo(const Case& test_case, std::ostream* out) { *out << test_case.name; }

class FailureOfCurlTest : public testing::TestWithParam<Case> {};

TEST_P(FailureOfCurlTest, HasItsKindAndLibcurlsWords) {
  const HttpFailure failure = ToHttpFailure(GetParam().code);
  EXPECT_EQ(failure.kind, GetParam().kind);
  EXPECT_EQ(failure.detail, curl_easy_strerror(GetParam().code));
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

}  // namespace
}  // namespace gateway
