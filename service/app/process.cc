#include "service/app/process.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

constexpr std::string_view kSettingPrefix = "PASSFORT_GATEWAY_";
constexpr std::string_view kAllocatorPrefix = "TCMALLOC_";
constexpr std::array<std::string_view, 6> kLibraryPrefixes = {
    "GRPC_", "SSL", "OPENSSL_", "PG", "MALLOCSTATS", kAllocatorPrefix};
// Names a file with passwords, which libpq takes only if nobody else can read it.
constexpr std::string_view kKeptVariable = "PGPASSFILE";

// LeakSanitizer looks at its own process by ptrace, which the kernel refuses for one that is not
// dumpable: the program would fail at its end. Builds with a sanitizer hold no real secrets.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kStaysDumpable = true;
#else
constexpr bool kStaysDumpable = false;
#endif

bool IsForLibraries(std::string_view name) {
  if (name == kKeptVariable) return false;
  return std::any_of(kLibraryPrefixes.begin(), kLibraryPrefixes.end(),
                     [name](std::string_view prefix) { return name.starts_with(prefix); });
}

// Overwrites and unsets the variables whose name `fits`; returns their names.
template <typename Fits>
std::vector<std::string> EraseVariables(Fits fits) {
  std::vector<std::string> names;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos || !fits(text.substr(0, equals))) continue;
    names.emplace_back(text.substr(0, equals));
    explicit_bzero(*entry + equals + 1, text.size() - equals - 1);
  }
  // Afterwards, since it moves the entries.
  for (const std::string& name : names) unsetenv(name.c_str());
  return names;
}

}  // namespace

void ShieldProcess() {
  umask(S_IRWXG | S_IRWXO);
  constexpr rlimit kNone = {.rlim_cur = 0, .rlim_max = 0};
  setrlimit(RLIMIT_CORE, &kNone);
  // Also keeps the memory from a program that the kernel pipes cores to, whatever the limit.
  if (!kStaysDumpable) prctl(PR_SET_DUMPABLE, 0);
}

void ReserveStandardStreams() {
  int descriptor = open("/dev/null", O_RDWR);
  while (descriptor >= 0 && descriptor <= STDERR_FILENO) descriptor = open("/dev/null", O_RDWR);
  if (descriptor >= 0) close(descriptor);
}

std::vector<std::string> UnsetLibraryVariables() { return EraseVariables(IsForLibraries); }

absl::Status CheckAllocatorVariables(std::span<const std::string> unset) {
  for (const std::string& name : unset) {
    if (!name.starts_with(kAllocatorPrefix)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "environment variable ", name,
        ": not allowed, since the allocator follows it before it can be ignored; unset it"));
  }
  return absl::OkStatus();
}

void EraseSettingVariables() {
  EraseVariables([](std::string_view name) { return name.starts_with(kSettingPrefix); });
}

void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

sigset_t BlockTerminationSignals() {
  for (const int ignored : {SIGPIPE, SIGUSR1, SIGUSR2, SIGXFSZ}) signal(ignored, SIG_IGN);
  sigset_t ending;
  sigemptyset(&ending);
  for (const int wanted : {SIGTERM, SIGINT, SIGQUIT}) sigaddset(&ending, wanted);
  // Whoever starts it with nohup wants it to outlive the terminal.
  struct sigaction hangup = {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaddset(&ending, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  return ending;
}

}  // namespace gateway
