#include "tests/soak/process_sample.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace gateway::soak {

std::optional<ProcessSample> SampleProcess(pid_t pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  ProcessSample sample;
  int found = 0;
  std::ifstream status(process + "/status");
  for (std::string name; status >> name;) {
    long* const figure = name == "RssAnon:"   ? &sample.anonymous_kib
                         : name == "VmRSS:"   ? &sample.resident_kib
                         : name == "Threads:" ? &sample.threads
                                              : nullptr;
    if (figure != nullptr && status >> *figure) ++found;
    std::string rest;
    std::getline(status, rest);
  }
  // One that has ended and was not waited for has no memory any more.
  if (found < 3) return std::nullopt;
  std::error_code error;
  const std::filesystem::directory_iterator descriptors(process + "/fd", error);
  if (error) return std::nullopt;
  sample.descriptors = std::distance(begin(descriptors), end(descriptors));
  return sample;
}

}  // namespace gateway::soak
