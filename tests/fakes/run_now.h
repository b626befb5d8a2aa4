#ifndef TESTS_FAKES_RUN_NOW_H_
#define TESTS_FAKES_RUN_NOW_H_

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

#include "service/base/task.h"

namespace gateway {

// Runs a task that waits for nothing but fakes, on the test's own thread, and returns its value.
template <typename T>
T RunNow(Task<T> task) {
  std::optional<T> value;
  const auto keep = [](Task<T> task, std::optional<T>& value) -> Task<void> {
    value.emplace(co_await std::move(task));
  };
  Spawn(keep(std::move(task), value));
  if (!value) {
    std::fprintf(stderr, "the task given to RunNow waits for something that is no fake\n");
    std::abort();
  }
  return *std::move(value);
}

}  // namespace gateway

#endif  // TESTS_FAKES_RUN_NOW_H_
