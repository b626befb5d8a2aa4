#ifndef TESTS_INTEGRATION_IDEMPOTENCY_STORE_CONTRACT_H_
#define TESTS_INTEGRATION_IDEMPOTENCY_STORE_CONTRACT_H_

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tests/integration/idempotency/store_fixture.h"
#include "tests/support/postgres_server.h"

namespace gateway {

inline constexpr char kProfile[] = "aaaaaaaa-0000-4000-8000-00000000000f";
inline constexpr char kOtherProfile[] = "bbbbbbbb-0000-4000-8000-000000000002";
inline constexpr char kApplication[] = "cccccccc-0000-4000-8000-000000000003";
inline constexpr Milliseconds kNone{0};
inline constexpr int kRacers = 24;

enum class Database { kSqlite, kPostgres };

// What every store promises, run against each of them. A lease or a window of nothing has run out
// as soon as it is written, so no test waits for time to pass.
class StoreContractTest : public ::testing::TestWithParam<Database> {
 protected:
  StoreContractTest()
      : url_(GetParam() == Database::kSqlite
                 ? "sqlite:" + folder_.File("store.db")
                 : PostgresServer::OfThisProgram().Url(
                       PostgresServer::OfThisProgram().CreateDatabase())) {}

  void Open(StoreOptions options = AnOptions()) {
    store_.reset();
    store_.emplace(*loop_, url_, std::move(options));
    ASSERT_TRUE(store_->status().ok()) << store_->status();
  }
  void SetUp() override { Open(); }

  const std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  const TemporaryFolder folder_;
  const std::string url_;
  std::optional<StoreUnderTest> store_;
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_IDEMPOTENCY_STORE_CONTRACT_H_
