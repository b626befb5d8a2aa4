// bench-load ADDRESS CONNECTIONS STREAMS CALLS with-request-id|without-request-id [CERTIFICATES]
//
// Load in which no call is like another: each has a profile of its own and, if wanted, a request_id
// of its own. h2load cannot do that, it repeats one body. Keeps CONNECTIONS x STREAMS calls in
// flight until CALLS were made, then prints one line of JSON. Every call must end in OK. With a
// folder of certificates (ca.crt, caller.crt, caller.key) it calls over TLS.
//
// Exit codes: 0 all OK; 1 a call failed; 2 wrong usage.

#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <latch>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "passfort/gateway/v1/product_application_service.grpc.pb.h"

namespace gateway::benchmark {
namespace {

namespace pb = ::passfort::gateway::v1;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kCallDeadline{60};

struct Shape {
  std::string address;
  int connections = 0;
  int streams = 0;
  size_t calls = 0;
  bool with_request_id = false;
  std::shared_ptr<grpc::ChannelCredentials> credentials;
};

// What all streams share.
struct Run {
  explicit Run(const Shape& shape)
      : shape(shape),
        durations(shape.calls),
        streams_left(static_cast<std::ptrdiff_t>(shape.connections) * shape.streams) {}

  const Shape& shape;
  std::vector<Clock::duration> durations;
  std::atomic<size_t> next_call = 0;
  std::atomic<size_t> failed = 0;
  std::latch streams_left;
};

// Never the same in two runs against one server: the process id is part of it.
std::string ProfileOf(size_t call) {
  char id[37];
  std::snprintf(id, sizeof(id), "%08x-0000-4000-8000-%012zx", static_cast<unsigned>(getpid()),
                call);
  return id;
}

// One call after another on one connection. Never freed: a call may end while the thread that began
// it is still inside the stub.
class Stream {
 public:
  Stream(Run& run, std::shared_ptr<grpc::Channel> channel)
      : run_(run), stub_(pb::ProductApplicationService::NewStub(channel)) {}

  void MakeNextCall() {
    call_ = run_.next_call.fetch_add(1);
    if (call_ >= run_.shape.calls) {
      run_.streams_left.count_down();
      return;
    }
    const std::string profile_id = ProfileOf(call_);
    request_.set_profile_id(profile_id);
    request_.mutable_product()->set_alias("forexo_basic");
    if (run_.shape.with_request_id) request_.set_request_id("request-" + profile_id);
    former_context_ = std::exchange(context_, std::make_unique<grpc::ClientContext>());
    context_->set_deadline(std::chrono::system_clock::now() + kCallDeadline);
    started_ = Clock::now();
    stub_->async()->AddProductApplication(context_.get(), &request_, &answer_,
                                          [this](const grpc::Status& status) { OnEnd(status); });
  }

 private:
  void OnEnd(const grpc::Status& status) {
    run_.durations[call_] = Clock::now() - started_;
    if (!status.ok() && run_.failed.fetch_add(1) == 0) {
      std::fprintf(stderr, "a call failed: code %d: %s\n", static_cast<int>(status.error_code()),
                   status.error_message().c_str());
    }
    MakeNextCall();
  }

  Run& run_;
  const std::unique_ptr<pb::ProductApplicationService::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientContext> former_context_;
  pb::AddProductApplicationRequest request_;
  pb::AddProductApplicationResponse answer_;
  size_t call_ = 0;
  Clock::time_point started_;
};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::shared_ptr<grpc::ChannelCredentials> Credentials(const std::string& folder) {
  if (folder.empty()) return grpc::InsecureChannelCredentials();
  return grpc::SslCredentials({.pem_root_certs = ReadFile(folder + "/ca.crt"),
                               .pem_private_key = ReadFile(folder + "/caller.key"),
                               .pem_cert_chain = ReadFile(folder + "/caller.crt")});
}

std::shared_ptr<grpc::Channel> Connect(const Shape& shape, int number) {
  grpc::ChannelArguments arguments;
  arguments.SetInt("benchmark.connection", number);  // channels that are equal share a connection
  return grpc::CreateCustomChannel(shape.address, shape.credentials, arguments);
}

double Milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

[[noreturn]] void MakeCalls(const Shape& shape) {
  Run run(shape);
  const Clock::time_point started = Clock::now();
  for (int connection = 0; connection < shape.connections; ++connection) {
    const auto channel = Connect(shape, connection);
    for (int stream = 0; stream < shape.streams; ++stream) {
      (new Stream(run, channel))->MakeNextCall();
    }
  }
  run.streams_left.wait();
  const double seconds = std::chrono::duration<double>(Clock::now() - started).count();

  std::sort(run.durations.begin(), run.durations.end());
  std::printf(
      R"({"calls": %zu, "failed": %zu, "calls_per_second": %.1f, "p50_ms": %.3f, "p99_ms": %.3f})"
      "\n",
      shape.calls, run.failed.load(), static_cast<double>(shape.calls) / seconds,
      Milliseconds(run.durations[shape.calls / 2]),
      Milliseconds(run.durations[shape.calls * 99 / 100]));
  std::fflush(stdout);
  _exit(run.failed == 0 ? 0 : 1);  // no destructors: see Stream
}

int Main(int argc, char** argv) {
  const std::string_view kind = argc == 6 || argc == 7 ? argv[5] : "";
  if (kind != "with-request-id" && kind != "without-request-id") {
    std::fprintf(stderr,
                 "usage: bench-load ADDRESS CONNECTIONS STREAMS CALLS "
                 "with-request-id|without-request-id [CERTIFICATES]\n");
    return 2;
  }
  const Shape shape{.address = argv[1],
                    .connections = std::atoi(argv[2]),
                    .streams = std::atoi(argv[3]),
                    .calls = static_cast<size_t>(std::max(0, std::atoi(argv[4]))),
                    .with_request_id = kind == "with-request-id",
                    .credentials = Credentials(argc == 7 ? argv[6] : "")};
  if (shape.connections < 1 || shape.streams < 1 || shape.calls < 1) {
    std::fprintf(stderr, "CONNECTIONS, STREAMS and CALLS are at least 1\n");
    return 2;
  }
  MakeCalls(shape);
}

}  // namespace
}  // namespace gateway::benchmark

int main(int argc, char** argv) { return gateway::benchmark::Main(argc, argv); }
