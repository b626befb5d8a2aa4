#ifndef TESTS_SUPPORT_GATEWAY_PROCESS_H_
#define TESTS_SUPPORT_GATEWAY_PROCESS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/child_process.h"

namespace gateway {

// The path of the gateway's program: of this build, or what GATEWAY_PROGRAM in the environment
// says.
std::string GatewayProgram();

// The gateway as its operator starts it, on free ports of loopback, with what `settings` says.
//
//   FakePassfort passfort;
//   GatewayProcess gateway({.api_url = passfort.url()});
//   ... call gateway.target() ...
//   gateway.Signal(SIGTERM);
//   EXPECT_EQ(gateway.WaitForExit(), 0);
class GatewayProcess {
 public:
  struct Settings {
    std::string api_url;
    // Goes by environment. Empty: none, so `flags` have to name a file.
    std::string api_key = "test-key";
    // Everything else, "--x_y=value" each.
    std::vector<std::string> flags = {};
    // "NAME=value" each, beside the test's own environment.
    std::vector<std::string> environment = {};
    // That the process may open; 0: as many as the test.
    int max_descriptors = 0;
  };

  // Waits until it serves; ends the test program, with what it wrote, if it does not.
  explicit GatewayProcess(const Settings& settings);

  // "127.0.0.1:PORT", for gRPC.
  const std::string& target() const { return target_; }
  // The body of GET /metrics.
  std::string Metrics() const;
  // The whole response to GET `path` at the port of the metrics.
  std::string Page(const std::string& path) const;
  // The body of GET /statusz.json, of a report that was gathered after this was called.
  std::string FreshStatus() const;
  // The sum of the values of the metric `name` where it has all of `labels` (as in `name="value"`);
  // 0 if there is none.
  double Counter(std::string_view name, const std::vector<std::string>& labels) const;

  // Standard output and standard error so far.
  std::vector<std::string> LogLines() const;
  // The same, and forgets them: for a gateway that serves for hours.
  std::vector<std::string> TakeLogLines() { return process_.TakeLines(); }
  // All of it in one text, to look for what must not be there.
  std::string LogText() const;
  // The first line that contains `part`; a failed wait ends the test program and says so.
  std::string WaitForLogLine(std::string_view part) const;
  // So many of them; likewise.
  void WaitForLogLines(std::string_view part, size_t count) const;

  pid_t pid() const { return process_.pid(); }
  void Signal(int signal) const { process_.Signal(signal); }
  // The exit code; -N after signal N; nothing if it does not end in `kProcessBound`.
  std::optional<int> WaitForExit() { return process_.WaitForExit(); }

  // Most memory that was ever resident, and threads now.
  size_t PeakResidentBytes() const;
  int Threads() const;

 private:
  ChildProcess process_;
  std::string target_;
  std::string metrics_address_;
};

// One run of the gateway with these arguments to its end.
struct GatewayRun {
  std::optional<int> exit_code;
  std::string output;
  std::string error;
};
GatewayRun RunGateway(std::vector<std::string> flags,
                      std::vector<std::string> environment = {"PASSFORT_GATEWAY_API_KEY=test-key"});

}  // namespace gateway

#endif  // TESTS_SUPPORT_GATEWAY_PROCESS_H_
