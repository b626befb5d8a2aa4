// Sends record after record to the SQLite store at argv[1], one profile each, and writes each id to
// standard output once the store has acknowledged it. Ends only by a signal.

#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "tests/integration/idempotency/store_fixture.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto loop = *gateway::EventLoop::Create();
  gateway::StoreUnderTest store(*loop, std::string("sqlite:") + argv[1]);
  if (!store.status().ok()) {
    std::fprintf(stderr, "%s\n", store.status().ToString().c_str());
    return 1;
  }
  for (int i = 0;; ++i) {
    const std::string id = absl::StrCat("request ", i);
    store.InState(gateway::RecordState::kSent, gateway::AClaim(id, absl::StrCat("profile ", i)));
    const std::string line = id + "\n";
    if (write(STDOUT_FILENO, line.data(), line.size()) < 0) return 1;
  }
}
