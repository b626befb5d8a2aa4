#ifndef TESTS_FAKES_RUN_TO_COMPLETION_H_
#define TESTS_FAKES_RUN_TO_COMPLETION_H_

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

#include "service/base/task.h"

namespace gateway {

// Runs a task that waits for nothing but fakes, on the test's own thread, and returns its value.
template <typename T>
T RunToCompletion(Task<T> task) {
  std::optional<T> value;
  const auto keep = [](Task<T> task, std::optional<T>& value) -> Task<void> {
    value.emplace(co_await std::move(task));
  };
  Spawn(keep(std::move(task), value));
  if (!value) {
    std::fprintf(stderr, "the task given to RunToCompletion waits for something that is no fake\n");
    std::abort();
  }
  return *std::move(value);
}

}  // namespace gateway

#endif  // TESTS_FAKES_RUN_TO_COMPLETION_H_
