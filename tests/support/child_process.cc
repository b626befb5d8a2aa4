#include "tests/support/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <utility>

namespace gateway {
namespace {

constexpr int kCannotExecute = 127;  // as a shell says it

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  std::abort();
}

struct Pipe {
  int from = -1;
  int to = -1;
};

Pipe MakePipe() {
  std::array<int, 2> ends = {};
  // Closed by exec: a child that another one inherits would keep its end of a pipe open.
  if (pipe2(ends.data(), O_CLOEXEC) != 0) Die("pipe for a child process");
  return {.from = ends[0], .to = ends[1]};
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

ChildProcess::ChildProcess(const Command& command) {
  std::vector<std::string> arguments = command.arguments;
  arguments.insert(arguments.begin(), command.program);
  std::vector<std::string> environment = command.environment;
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> envp = Pointers(environment);
  const Pipe output = MakePipe();
  const Pipe error = MakePipe();
  const pid_t parent = getpid();

  pid_ = fork();
  if (pid_ < 0) Die("fork of a child process");
  if (pid_ == 0) {
    // Nothing but system calls: other threads of the test may have held any lock.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(kCannotExecute);
    setpgid(0, 0);  // the terminal signals the test's group alone, and the test ends the child
    dup2(output.to, STDOUT_FILENO);
    dup2(error.to, STDERR_FILENO);
    // What the test listens on would stay open in the child, and Boost's sockets stay open in exec.
    close_range(STDERR_FILENO + 1, std::numeric_limits<unsigned int>::max(), 0);
    execve(argv[0], argv.data(), envp.data());
    _exit(kCannotExecute);
  }
  close(output.to);
  close(error.to);
  output_.descriptor = output.from;
  error_.descriptor = error.from;
  reader_ = std::thread([this] { ReadAll(); });
}

ChildProcess::~ChildProcess() {
  if (!exit_code_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  reader_.join();
  close(output_.descriptor);
  close(error_.descriptor);
}

std::vector<std::string> ChildProcess::OutputLines() const {
  const std::lock_guard lock(mutex_);
  return output_.lines;
}

std::vector<std::string> ChildProcess::ErrorLines() const {
  const std::lock_guard lock(mutex_);
  return error_.lines;
}

std::vector<std::string> ChildProcess::TakeLines() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> taken = std::exchange(output_.lines, {});
  taken.insert(taken.end(), std::make_move_iterator(error_.lines.begin()),
               std::make_move_iterator(error_.lines.end()));
  error_.lines.clear();
  return taken;
}

std::optional<std::string> ChildProcess::WaitForLine(
    const std::function<bool(const std::string&)>& fits) const {
  std::optional<std::string> found;
  const auto look = [&] {
    for (const Stream* stream : {&output_, &error_}) {
      for (const auto& line : stream->lines) {
        if (!fits(line)) continue;
        found = line;
        return true;
      }
    }
    return ended_;
  };
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kProcessBound, look);
  return found;
}

std::optional<std::string> ChildProcess::WaitForLine(std::string_view part) const {
  return WaitForLine(
      [part](const std::string& line) { return line.find(part) != std::string::npos; });
}

bool ChildProcess::WaitForLines(std::string_view part, size_t count) const {
  const auto have_come = [&] {
    size_t found = 0;
    for (const Stream* stream : {&output_, &error_}) {
      found += static_cast<size_t>(
          std::count_if(stream->lines.begin(), stream->lines.end(),
                        [part](const auto& line) { return line.find(part) != std::string::npos; }));
    }
    return found >= count;
  };
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kProcessBound, [&] { return have_come() || ended_; });
  return have_come();
}

void ChildProcess::Signal(int signal) const {
  if (!exit_code_) kill(pid_, signal);
}

std::optional<int> ChildProcess::WaitForExit() {
  if (exit_code_) return exit_code_;
  {
    // The kernel closes its ends of the pipes when the process goes.
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kProcessBound, [this] { return ended_; })) return std::nullopt;
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return exit_code_;
}

long ChildProcess::Status(std::string_view name) const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/status");
  const std::string wanted = std::string(name) + ":";
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(wanted)) return std::stol(line.substr(wanted.size()));
  }
  std::fprintf(stderr, "/proc has no %s of the child process\n", wanted.c_str());
  std::abort();
}

void ChildProcess::ReadAll() {
  bool output_open = true;
  bool error_open = true;
  while (output_open || error_open) {
    // Poll ignores negative descriptors.
    std::array<pollfd, 2> ready = {
        pollfd{.fd = output_open ? output_.descriptor : -1, .events = POLLIN, .revents = 0},
        pollfd{.fd = error_open ? error_.descriptor : -1, .events = POLLIN, .revents = 0}};
    if (poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) Die("poll of a child's output");
    if (ready[0].revents != 0) output_open = ReadSome(output_);
    if (ready[1].revents != 0) error_open = ReadSome(error_);
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

bool ChildProcess::ReadSome(Stream& stream) {
  std::array<char, 16 * 1024> buffer;
  const ssize_t bytes = read(stream.descriptor, buffer.data(), buffer.size());
  if (bytes < 0) return errno == EINTR;
  if (bytes == 0) return false;
  stream.unfinished.append(buffer.data(), static_cast<size_t>(bytes));
  std::vector<std::string> lines;
  size_t start = 0;
  for (size_t end = 0; (end = stream.unfinished.find('\n', start)) != std::string::npos;
       start = end + 1) {
    lines.push_back(stream.unfinished.substr(start, end - start));
  }
  stream.unfinished.erase(0, start);
  const std::lock_guard lock(mutex_);
  stream.lines.insert(stream.lines.end(), std::make_move_iterator(lines.begin()),
                      std::make_move_iterator(lines.end()));
  changed_.notify_all();
  return true;
}

std::vector<std::string> EnvironmentWithoutSettings() {
  std::vector<std::string> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!text.starts_with("PASSFORT_GATEWAY_")) kept.emplace_back(text);
  }
  return kept;
}

}  // namespace gateway
