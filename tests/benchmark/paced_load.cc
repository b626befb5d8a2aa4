// bench-paced-load ADDRESS CONNECTIONS CALLS_PER_SECOND CALLS
//
// Load that comes from callers who know nothing of each other: a call starts CALLS_PER_SECOND times
// a second, whatever became of the ones before it, and the gaps are random (exponential, the same
// in every run). The server's answering time alone then decides how many calls are in flight, which
// is what compares one number of them with another. Ends when all CALLS have ended, then prints one
// line of JSON. Every call must end in OK.
//
// Exit codes: 0 all OK; 1 a call failed; 2 wrong usage.

#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <latch>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "passfort/gateway/v1/product_application_service.grpc.pb.h"

namespace gateway::benchmark {
namespace {

namespace pb = ::passfort::gateway::v1;
using Clock = std::chrono::steady_clock;
using Stub = pb::ProductApplicationService::Stub;

constexpr std::chrono::seconds kCallDeadline{60};
constexpr unsigned kSeed = 1;

struct Load {
  std::string address;
  int connections = 0;
  int calls_per_second = 0;
  int calls = 0;
};

// What all calls share.
struct Run {
  explicit Run(int calls) : calls_left(calls) {}

  std::atomic<int> in_flight = 0;
  std::atomic<int> max_in_flight = 0;
  std::atomic<int> failed = 0;
  std::latch calls_left;
};

// Owns itself until the call has ended.
class Call {
 public:
  explicit Call(Run& run) : run_(run) {
    request_.set_profile_id("96d5c92b-6e20-4b4e-9a8c-6e5d6a1f0f01");
    request_.mutable_product()->set_alias("forexo_basic");
    context_.set_deadline(std::chrono::system_clock::now() + kCallDeadline);
  }

  static void Start(Run& run, Stub& stub) {
    const int in_flight = run.in_flight.fetch_add(1) + 1;
    run.max_in_flight = std::max(run.max_in_flight.load(), in_flight);  // one thread starts calls
    Call* const call = new Call(run);
    stub.async()->AddProductApplication(&call->context_, &call->request_, &call->answer_,
                                        [call](const grpc::Status& status) { call->End(status); });
  }

 private:
  void End(const grpc::Status& status) {
    if (!status.ok() && run_.failed.fetch_add(1) == 0) {
      std::fprintf(stderr, "a call failed: code %d: %s\n", static_cast<int>(status.error_code()),
                   status.error_message().c_str());
    }
    run_.in_flight.fetch_sub(1);
    Run& run = run_;
    delete this;
    run.calls_left.count_down();
  }

  Run& run_;
  grpc::ClientContext context_;
  pb::AddProductApplicationRequest request_;
  pb::AddProductApplicationResponse answer_;
};

std::vector<std::unique_ptr<Stub>> Connect(const Load& load) {
  std::vector<std::unique_ptr<Stub>> stubs;
  for (int number = 0; number < load.connections; ++number) {
    grpc::ChannelArguments arguments;
    arguments.SetInt("benchmark.connection", number);  // channels that are equal share a connection
    stubs.push_back(pb::ProductApplicationService::NewStub(
        grpc::CreateCustomChannel(load.address, grpc::InsecureChannelCredentials(), arguments)));
  }
  return stubs;
}

[[noreturn]] void MakeCalls(const Load& load) {
  const std::vector<std::unique_ptr<Stub>> stubs = Connect(load);
  Run run(load.calls);
  std::mt19937 generator(kSeed);
  std::exponential_distribution<double> gap_seconds(load.calls_per_second);
  const Clock::time_point started = Clock::now();
  double due_seconds = 0;
  for (int call = 0; call < load.calls; ++call) {
    due_seconds += gap_seconds(generator);
    std::this_thread::sleep_until(
        started + std::chrono::duration_cast<Clock::duration>(
                      std::chrono::duration<double>(due_seconds)));  // at once if it is late
    Call::Start(run, *stubs[static_cast<size_t>(call) % stubs.size()]);
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - started).count();
  run.calls_left.wait();

  std::printf(R"({"calls": %d, "failed": %d, "calls_per_second": %.1f, "max_in_flight": %d})"
              "\n",
              load.calls, run.failed.load(), load.calls / seconds, run.max_in_flight.load());
  std::fflush(stdout);
  _exit(run.failed == 0 ? 0 : 1);  // no destructors: the last call may not have left its callback
}

int Main(int argc, char** argv) {
  Load load;
  if (argc == 5) {
    load = {.address = argv[1],
            .connections = std::atoi(argv[2]),
            .calls_per_second = std::atoi(argv[3]),
            .calls = std::atoi(argv[4])};
  }
  if (load.connections < 1 || load.calls_per_second < 1 || load.calls < 1) {
    std::fprintf(stderr,
                 "usage: bench-paced-load ADDRESS CONNECTIONS CALLS_PER_SECOND CALLS\n"
                 "The numbers are at least 1.\n");
    return 2;
  }
  MakeCalls(load);
}

}  // namespace
}  // namespace gateway::benchmark

int main(int argc, char** argv) { return gateway::benchmark::Main(argc, argv); }
