#ifndef TESTS_INTEGRATION_IDEMPOTENCY_POSTGRES_STORE_FIXTURE_H_
#define TESTS_INTEGRATION_IDEMPOTENCY_POSTGRES_STORE_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "service/base/event_loop.h"
#include "tests/integration/idempotency/store_fixture.h"
#include "tests/support/postgres_server.h"
#include "tests/support/wait_until.h"

namespace gateway {

// Stores on a database of the test's own, which starts empty, at a real server.
class PostgresStoreTest : public ::testing::Test {
 protected:
  PostgresServer& server_ = PostgresServer::OfThisProgram();
  const std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  const std::string database_ = server_.CreateDatabase();
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_IDEMPOTENCY_POSTGRES_STORE_FIXTURE_H_
