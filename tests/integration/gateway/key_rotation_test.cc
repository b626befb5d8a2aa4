// Passfort's key is changed under load, without a moment in which both keys are good.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"
#include "tests/support/raw_http_server.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;

// A secret as Kubernetes mounts it: `api-key` leads through `..data` to a folder, and a change
// replaces `..data` in one step.
class MountedSecret {
 public:
  explicit MountedSecret(const std::string& key) {
    Change(key);
    std::filesystem::create_symlink("..data/api-key", path());
  }
  void Change(const std::string& key) {
    const std::string folder = "..version" + std::to_string(++versions_);
    std::filesystem::create_directory(folder_.File(folder));
    const std::string file = folder_.File(folder) + "/api-key";
    std::ofstream(file) << key;
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    std::filesystem::create_directory_symlink(folder, folder_.File("..data_tmp"));
    std::filesystem::rename(folder_.File("..data_tmp"), folder_.File("..data"));
  }
  std::string path() const { return folder_.File("api-key"); }

 private:
  const TemporaryFolder folder_;
  int versions_ = 0;
};

// Takes one key at a time, and creates an application in 20 ms.
class OneKeyPassfort {
 public:
  explicit OneKeyPassfort(std::string key) : key_(std::move(key)) {}

  std::string url() const { return server_.Url(); }
  void Change(const std::string& key) {
    const std::lock_guard lock(mutex_);
    key_ = key;
  }
  int created() const { return created_; }
  int refused() const { return refused_; }

 private:
  void Serve(RawConnection& connection) {
    while (const auto request = connection.ReadRequest()) {
      std::this_thread::sleep_for(20ms);
      const std::lock_guard lock(mutex_);
      if (request->Header("apikey") == key_) {
        ++created_;
        connection.Answer(200, R"({"id": "edc23993-eb6a-9d89-bb79-5b8925b33224"})");
      } else {
        ++refused_;
        connection.Answer(401, R"({"errors": [{"code": 204, "message": "invalid key"}]})");
      }
    }
  }

  std::mutex mutex_;
  std::string key_;  // guarded by mutex_
  std::atomic<int> created_ = 0;
  std::atomic<int> refused_ = 0;
  RawHttpServer server_{[this](RawConnection& connection) { Serve(connection); }};
};

// Five callers: about 200 calls a second.
class Load {
 public:
  explicit Load(const std::string& target) : caller_(target) {
    for (int i = 0; i < 5; ++i) {
      threads_.emplace_back([this] {
        while (!is_stopped_) {
          const Answered answered = caller_.Add();
          ++calls_;
          calls_.notify_all();
          if (answered.status.ok()) continue;
          const std::lock_guard lock(mutex_);
          failed_.push_back(answered.status.error_message());
        }
      });
    }
  }
  void WaitForCalls(int more) const {
    const int end = calls_ + more;
    for (int now = calls_; now < end; now = calls_) calls_.wait(now);
  }
  int Stop() {
    is_stopped_ = true;
    for (auto& thread : threads_) thread.join();
    return calls_;
  }
  std::vector<std::string> failed() const {
    const std::lock_guard lock(mutex_);
    return failed_;
  }

 private:
  const GatewayCaller caller_;
  std::atomic<bool> is_stopped_ = false;
  std::atomic<int> calls_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> failed_;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

TEST(KeyRotationTest, FailsNoCallAndExecutesNoneTwiceIfTheFileHasTheNewKeyWhenTheOldOneEnds) {
  constexpr int kRotations = 5;
  constexpr int kCallsBetween = 60;
  OneKeyPassfort passfort("key-0");
  MountedSecret secret("key-0");
  const auto began = std::chrono::steady_clock::now();
  const GatewayProcess gateway(
      {.api_url = passfort.url(), .api_key = "", .flags = {"--api_key_file=" + secret.path()}});
  Load load(gateway.target());
  for (int i = 1; i <= kRotations; ++i) {
    load.WaitForCalls(kCallsBetween);
    const std::string key = "key-" + std::to_string(i);
    secret.Change(key);
    passfort.Change(key);
  }
  load.WaitForCalls(kCallsBetween);
  const int calls = load.Stop();

  EXPECT_THAT(load.failed(), IsEmpty());
  EXPECT_EQ(passfort.created(), calls);
  EXPECT_GT(passfort.refused(), 0) << "no call met the change";
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::cout << calls << " calls, " << calls / took.count() << " a second, of which "
            << passfort.refused() << " went out twice\n";
}

}  // namespace
}  // namespace gateway
