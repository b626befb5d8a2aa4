#ifndef TESTS_INTEGRATION_IDEMPOTENCY_SQLITE_STORE_FIXTURE_H_
#define TESTS_INTEGRATION_IDEMPOTENCY_SQLITE_STORE_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "service/base/event_loop.h"
#include "tests/integration/idempotency/store_fixture.h"
#include "tests/support/temporary_folder.h"

namespace gateway {

// Stores in a file of the test's own, which is not there at first.
class SqliteStoreTest : public ::testing::Test {
 protected:
  std::string Url() const { return "sqlite:" + path_; }

  // What is said at the start about the file as it is.
  std::string OpenMessage() {
    const StoreUnderTest store(*loop_, Url());
    EXPECT_TRUE(absl::IsFailedPrecondition(store.status())) << store.status();
    EXPECT_THAT(std::string(store.status().message()), testing::HasSubstr(path_));
    return std::string(store.status().message());
  }
  void WriteFile(const std::string& content) { std::ofstream(path_) << content; }
  // Runs SQL on the file with nothing of the gateway's.
  void Execute(const std::string& sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
  }

  const std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  const TemporaryFolder folder_;
  const std::string path_ = folder_.File("store.db");
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_IDEMPOTENCY_SQLITE_STORE_FIXTURE_H_
