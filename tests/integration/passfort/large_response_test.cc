// A large response is read in pieces, and the loop serves others in between.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "service/http/curl_http_client.h"
#include "service/json/json_sax.h"
#include "service/passfort/product_application_client.h"
#include "service/passfort/rest_transport.h"
#include "tests/fakes/run_task.h"
#include "tests/support/raw_http_server.h"

namespace gateway {
namespace {

constexpr char kProfileId[] = "a2c4393a-e219-67a4-5ab4-2186952e9038";

// `BEGIN UNIT,UNIT... END`
std::string Repeated(std::string begin, const std::string& unit, int units, const char* end) {
  for (int i = 0; i < units; ++i) begin += (i == 0 ? "" : ",") + unit;
  return begin + end;
}

class LargeResponseTest : public testing::Test {
 protected:
  // Runs `start` and returns how many turns the loop had for others while a response was read.
  template <typename Start>
  int TurnsDuring(Start start) {
    int turns = 0;
    bool is_over = false;
    std::function<void()> tick = [&] {
      if (memory_.IsReading()) ++turns;
      if (!is_over) loop_->Post([&tick] { tick(); });
    };
    loop_->Post([&tick] { tick(); });
    RunTask(*loop_, std::move(start));
    loop_->RunAndWait([&is_over] { is_over = true; });
    loop_->RunAndWait([] {});  // after the last one
    return turns;
  }

  static CallContext InAMinute() {
    return {.deadline = Deadline(std::chrono::steady_clock::now() + std::chrono::minutes(1))};
  }

  void SetBody(std::string body) {
    const std::lock_guard lock(mutex_);
    body_ = std::move(body);
  }
  std::string Body() {
    const std::lock_guard lock(mutex_);
    return body_;
  }

  std::mutex mutex_;
  std::string body_;  // guarded by mutex_
  RawHttpServer server_{[this](RawConnection& connection) {
    while (connection.ReadRequest()) connection.Answer(200, Body());
  }};
  const std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  const std::unique_ptr<Log> log_ = Log::Discard();
  Metrics metrics_;
  ResponseMemory memory_{*loop_, size_t{64} * 1024 * 1024, metrics_};
  LoopClock clock_{*loop_};
  const std::unique_ptr<RandomSource> random_ = MakeSystemRandom();
  TraceIds trace_ids_{*random_};
  const std::unique_ptr<ApiKeySource> key_ = *ApiKeySource::FromValue("test-key");
  const std::unique_ptr<CurlHttpClient> http_ =
      *CurlHttpClient::Create(*loop_, memory_, metrics_, {});
  RestTransport rest_{
      {.api_url = server_.Url()}, *http_, memory_, *key_, clock_, trace_ids_, metrics_, *log_};
  ProductApplicationClient client_{rest_};
};

TEST_F(LargeResponseTest, AnApplicationLeavesTheLoopToOthersAfterEachPiece) {
  constexpr int kValues = 19'000;
  SetBody(Repeated(R"({"id": "a1", "history": [)", "0", kValues, "]}"));
  const ApplicationDraft draft = {.profile_id = kProfileId, .product_alias = "forexo_basic"};
  const int turns = TurnsDuring([&]() -> Task<void> {
    const WriteAttempt made = co_await client_.CreateApplication(draft, InAMinute(), std::nullopt);
    const auto* done = std::get_if<Done>(&made.outcome);
    EXPECT_TRUE(done != nullptr && done->application->history_size() == kValues);
  });
  EXPECT_GE(turns, kValues / static_cast<int>(kJsonValuesOfPiece));
}

TEST_F(LargeResponseTest, ATextLeavesTheLoopToOthersAfterEachPiece) {
  constexpr int kPieces = 15;
  SetBody(R"({"id": "a1", "unknown": ")" + std::string(kPieces * kJsonBytesOfPiece, 'a') + "\"}");
  const ApplicationDraft draft = {.profile_id = kProfileId, .product_alias = "forexo_basic"};
  const int turns = TurnsDuring([&]() -> Task<void> {
    const WriteAttempt made = co_await client_.CreateApplication(draft, InAMinute(), std::nullopt);
    const auto* done = std::get_if<Done>(&made.outcome);
    EXPECT_TRUE(done != nullptr && done->application->unmapped().fields().contains("unknown"));
  });
  EXPECT_GE(turns, kPieces);
}

TEST_F(LargeResponseTest, AListLeavesTheLoopToOthersAfterEachPiece) {
  constexpr int kItems = 49'000;
  SetBody(Repeated("[", R"({"id":"a","product":{"alias":"b"}})", kItems, "]"));
  const int turns = TurnsDuring([this]() -> Task<void> {
    const ListOutcome outcome = co_await client_.ListApplications(kProfileId, InAMinute());
    const auto* list = std::get_if<ApplicationList>(&outcome);
    EXPECT_TRUE(list != nullptr && list->applications.size() == kItems);
  });
  EXPECT_GE(turns, 4 * kItems / static_cast<int>(kJsonValuesOfPiece));
}

}  // namespace
}  // namespace gateway
