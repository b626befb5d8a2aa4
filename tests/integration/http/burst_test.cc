// Many requests at a time cost memory, not threads.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <vector>

#include "tests/integration/http/http_test_client.h"
#include "tests/support/raw_http_server.h"

namespace gateway {
namespace {

constexpr int kCalls = 500;

// The threads of the process, those of the test's servers left out.
int CountThreads() {
  int threads = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "comm");
    std::string name;
    std::getline(file, name);
    if (name != ConnectionServer::kThreadName) ++threads;
  }
  return threads;
}

// Reads one request on each connection, and answers all once every one has arrived.
class Rendezvous {
 public:
  explicit Rendezvous(int expected)
      : expected_(expected), server_([this](RawConnection& connection) {
          while (connection.ReadRequest()) {
            if (++arrived_ == expected_) complete_.set_value();
            opened_.wait();
            connection.Answer(200, "ok");
          }
        }) {}

  std::string Url(std::string_view host) const { return server_.Url(host); }
  bool WaitUntilComplete() {
    return complete_.get_future().wait_for(kLongEnough) == std::future_status::ready;
  }
  void Open() { gate_.set_value(); }
  int connections() const { return server_.connections(); }

 private:
  const int expected_;
  std::atomic<int> arrived_ = 0;
  std::promise<void> complete_;
  std::promise<void> gate_;
  const std::shared_future<void> opened_ = gate_.get_future().share();
  RawHttpServer server_;
};

void SendBurst(HttpTestClient& client, const std::string& host) {
  Rendezvous server(kCalls);
  const int threads_before = CountThreads();
  std::vector<RunningTask<HttpResult>> running;
  for (int i = 0; i < kCalls; ++i) {
    running.push_back(client.Start({.method = HttpMethod::kPost,
                                    .url = server.Url(host),
                                    .headers = client.headers(),
                                    .body = "call " + std::to_string(i)}));
  }
  EXPECT_LE(CountThreads(), threads_before + 1) << "one thread may look the name up";
  ASSERT_TRUE(server.WaitUntilComplete()) << "not all requests were in flight at a time";
  EXPECT_LE(CountThreads(), threads_before + 1);
  server.Open();
  for (auto& task : running) ASSERT_TRUE(IsAnswer(task.Wait("an answer"), 200, "ok"));
  EXPECT_EQ(client.client().stats().lookups, 1u);
  EXPECT_EQ(client.client().stats().connections_opened, static_cast<uint64_t>(kCalls));

  // The next ones find their connections in the pools, few and many.
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(IsAnswer(client.Post(server.Url(host), "one more"), 200, "ok"));
  }
  running.clear();
  for (int i = 0; i < kCalls; ++i) {
    running.push_back(client.Start({.method = HttpMethod::kPost,
                                    .url = server.Url(host),
                                    .headers = client.headers(),
                                    .body = "again"}));
  }
  for (auto& task : running) ASSERT_TRUE(IsAnswer(task.Wait("an answer"), 200, "ok"));
  EXPECT_EQ(server.connections(), kCalls);
}

TEST(BurstTest, OfCallsToLocalhostMakesNoThreadForEach) {
  HttpTestClient client(
      {.look_up = [](const std::string&) { return std::vector<std::string>{"127.0.0.1"}; }});
  SendBurst(client, "localhost");
}

// libcurl knows localhost by itself and would start a thread for any other name that it had to
// look up.
TEST(BurstTest, OfCallsToAnyOtherNameMakesNoThreadForEach) {
  HttpTestClient client(
      {.look_up = [](const std::string&) { return std::vector<std::string>{"127.0.0.1"}; }});
  SendBurst(client, "api.example.test");
}

}  // namespace
}  // namespace gateway
