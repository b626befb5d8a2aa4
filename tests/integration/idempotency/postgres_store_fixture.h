#ifndef TESTS_INTEGRATION_IDEMPOTENCY_POSTGRES_STORE_FIXTURE_H_
#define TESTS_INTEGRATION_IDEMPOTENCY_POSTGRES_STORE_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "service/base/event_loop.h"
#include "tests/integration/idempotency/store_fixture.h"
#include "tests/support/postgres_server.h"

namespace gateway {

// Stores on a database of the test's own, which starts empty, at a real server.
class PostgresStoreTest : public ::testing::Test {
 protected:
  // Until a condition comes true that only the server's own doing brings about.
  template <typename Condition>
  static void WaitUntil(const std::string& what, Condition condition) {
    const auto bound = std::chrono::steady_clock::now() + kTaskBound;
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), bound) << "waited for " << what;
      std::this_thread::yield();
    }
  }

  PostgresServer& server_ = PostgresServer::OfThisProgram();
  const std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  const std::string database_ = server_.CreateDatabase();
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_IDEMPOTENCY_POSTGRES_STORE_FIXTURE_H_
