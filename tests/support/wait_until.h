#ifndef TESTS_SUPPORT_WAIT_UNTIL_H_
#define TESTS_SUPPORT_WAIT_UNTIL_H_

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

namespace gateway {

// Asks again and again until `condition` holds, which only a server's own doing brings about and
// nobody tells. `what` is what the test then says it waited for in vain.
template <typename Condition>
void WaitUntil(const std::string& what, Condition condition) {
  const auto bound = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    ASSERT_LT(std::chrono::steady_clock::now(), bound) << "waited for " << what;
    std::this_thread::yield();
  }
}

}  // namespace gateway

#endif  // TESTS_SUPPORT_WAIT_UNTIL_H_
