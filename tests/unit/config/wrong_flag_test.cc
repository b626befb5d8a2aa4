// Flags that are wrong by themselves: values beyond their setting's range, and words that are none.

#include <gtest/gtest.h>

#include "tests/unit/config/parsed_words.h"

namespace gateway {
namespace {

struct WrongRow {
  Words arguments;
  const char* message;
};

class WrongFlagTest : public testing::TestWithParam<WrongRow> {};

TEST_P(WrongFlagTest, StopsTheStart) {
  EXPECT_EQ(ErrorOf(ParseFlags(GetParam().arguments)), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    All, WrongFlagTest,
    testing::Values(
        WrongRow{{"--drain_timeout=5"},
                 "drain_timeout: \"5\" from --drain_timeout is not valid; want 10ms to 1h"},
        WrongRow{{"--drain_timeout", "9ms"},
                 "drain_timeout: \"9ms\" from --drain_timeout is not valid; want 10ms to 1h"},
        WrongRow{{"--connect_timeout=inf"},
                 "connect_timeout: \"inf\" from --connect_timeout is not valid; want 10ms to 5m"},
        WrongRow{
            {"--connect_timeout=10.5ms"},
            "connect_timeout: \"10.5ms\" from --connect_timeout is not valid; want 10ms to 5m"},
        WrongRow{{"--connect_timeout=-3s"},
                 "connect_timeout: \"-3s\" from --connect_timeout is not valid; want 10ms to 5m"},
        WrongRow{{"--max_in_flight=0"},
                 "max_in_flight: \"0\" from --max_in_flight is not valid; want 1 to 100000"},
        WrongRow{{"--max_in_flight=100001"},
                 "max_in_flight: \"100001\" from --max_in_flight is not valid; want 1 to 100000"},
        WrongRow{{"--max_in_flight=+5"},
                 "max_in_flight: \"+5\" from --max_in_flight is not valid; want 1 to 100000"},
        WrongRow{{"--max_request_bytes=64KB"},
                 "max_request_bytes: \"64KB\" from --max_request_bytes is not valid; want 1KiB to "
                 "4MiB"},
        WrongRow{{"--max_response_bytes=9223372036854775807GiB"},
                 "max_response_bytes: \"9223372036854775807GiB\" from --max_response_bytes is not "
                 "valid; want 1KiB to 64MiB"},
        WrongRow{{"--channelz=yes"},
                 "channelz: \"yes\" from --channelz is not valid; want on or off"},
        WrongRow{{"--log_level=trace"},
                 "log_level: \"trace\" from --log_level is not valid; want debug, info, warn, "
                 "error, off"},
        WrongRow{
            {"--listen=50051"},
            "listen: \"50051\" from --listen has no valid host; want host:port, [IPv6]:port or "
            "unix:/path"},
        WrongRow{{"--tls_trust_domain=spiffe://bank.example"},
                 "tls_trust_domain: \"spiffe://bank.example\" from --tls_trust_domain is no trust "
                 "domain: want 1 to 255 of a-z, 0-9, '.', '-' and '_', without \"spiffe://\"; want "
                 "a SPIFFE trust domain"},
        WrongRow{{"--tls_cert_file="},
                 "tls_cert_file: \"\" from --tls_cert_file is empty; want a path"},
        WrongRow{{"--health_listen=50052"},
                 "health_listen: \"50052\" from --health_listen has no valid host; want "
                 "host:port, [IPv6]:port or unix:/path"},
        WrongRow{{"--api_ca_file="}, "api_ca_file: \"\" from --api_ca_file is empty; want a path"},
        WrongRow{{"--store=mysql:secret"},
                 "store: (value not shown) from --store names no store; want sqlite:PATH, "
                 "sqlite::memory: or postgresql://..."},
        WrongRow{{"--store=sqlite:"},
                 "store: (value not shown) from --store has no path after sqlite:; want "
                 "sqlite:PATH, sqlite::memory: or postgresql://..."},
        WrongRow{{"--store_max_records=0"},
                 "store_max_records: \"0\" from --store_max_records is not valid; want 1 to "
                 "1000000000"},
        WrongRow{{"--listen"},
                 "listen: --listen has no value; want host:port, [IPv6]:port or unix:/path"},
        WrongRow{{"--listen", "--channelz"},
                 "listen: --listen has no value; want host:port, [IPv6]:port or unix:/path"},
        WrongRow{{"--drain-timeout=5s"},
                 "unknown flag --drain-timeout, did you mean drain_timeout? (see --help)"},
        WrongRow{{"--port=1"}, "unknown flag --port (see --help)"},
        WrongRow{{"--channelz", "yes"},
                 "argument 2 is not a flag; settings are given as --name=value (see --help)"}));

}  // namespace
}  // namespace gateway
