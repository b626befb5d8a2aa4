#ifndef TESTS_SOAK_PROCESS_SAMPLE_H_
#define TESTS_SOAK_PROCESS_SAMPLE_H_

#include <sys/types.h>

#include <optional>

namespace gateway::soak {

// What a process holds at a moment.
struct ProcessSample {
  long anonymous_kib = 0;  // RssAnon: heap and stacks
  long resident_kib = 0;   // VmRSS: with the pages of files, the program's own among them
  long threads = 0;
  long descriptors = 0;
};

// From /proc; nothing if the process has ended.
std::optional<ProcessSample> SampleProcess(pid_t pid);

}  // namespace gateway::soak

#endif  // TESTS_SOAK_PROCESS_SAMPLE_H_
