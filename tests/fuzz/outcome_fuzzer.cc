// Feeds the outcome table and the table of errors with answers. The input is an HTTP status, a line
// break and the body, so that a corpus file can be read by eye; without a number in front it is a
// body that came with 200.

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "service/http/http_client.h"
#include "service/passfort/message_filter.h"
#include "service/passfort/outcome_table.h"
#include "service/rpc/outcome_to_grpc.h"
#include "tests/fakes/create_outcomes.h"
#include "tests/support/grpc_errors.h"

namespace gateway {
namespace {

constexpr size_t kMaxTrailerBytes = 8 * 1024;
constexpr size_t kMaxMessageBytes = 200;

void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

HttpResponse ReadInput(std::string_view input) {
  HttpResponse response{.status = 200};
  const auto [end, error] =
      std::from_chars(input.data(), input.data() + input.size(), response.status);
  if (error == std::errc()) input.remove_prefix(static_cast<size_t>(end - input.data()));
  response.body = input;
  return response;
}

void CheckAnswer(const std::optional<ResponseSummary>& answer, int status) {
  Check(answer && answer->http_status == status, "an answer tells its HTTP status");
  Check(answer->message.size() <= kMaxMessageBytes, "Passfort's message is cut");
}

void CheckError(const CallError& error) {
  const ReceivedError received = {.status = error.status,
                                  .trailers = {error.trailers.begin(), error.trailers.end()}};
  Check(TrailerBytes(received) < kMaxTrailerBytes, "trailers stay below 8 KiB");
}

struct Checker {
  int status;

  void operator()(const Done& done) const {
    Check(status >= 200 && status <= 299, "only a 2xx is done");
    Check(!done.application->id().empty(), "what is done has an id");
  }
  void operator()(const NotExecuted& outcome) const {
    Check(status == 421 || status == 425 || status == 429,
          "an answer that was processed is never 'not executed'");
    CheckAnswer(outcome.response, status);
    CheckError(ToCallError({.outcome = outcome}, {}));
  }
  void operator()(const Refused& outcome) const {
    Check((status >= 200 && status <= 299) || (status >= 400 && status <= 431) || status == 307 ||
              status == 308,
          "a server's failure, or what a proxy invents, is never a refusal");
    CheckAnswer(outcome.response, status);
    CheckError(ToCallError({.outcome = outcome}, {}));
  }
  void operator()(const Ambiguous& outcome) const {
    CheckAnswer(outcome.response, status);
    CheckError(ToCallError({.outcome = outcome, .sent_at = absl::UnixEpoch()}, {}));
  }
};

}  // namespace
}  // namespace gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const gateway::MessageFilter filter({"secret-api-key-0001"});
  const gateway::HttpResponse response =
      gateway::ReadInput({reinterpret_cast<const char*>(data), size});
  const int status = response.status;
  const gateway::CreateOutcome outcome = gateway::ClassifyWrite(
      {.response_or_failure = response, .may_have_sent_body = true}, absl::UnixEpoch(), &filter);
  std::visit(gateway::Checker{status}, outcome);
  return 0;
}
