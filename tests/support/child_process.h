#ifndef TESTS_SUPPORT_CHILD_PROCESS_H_
#define TESTS_SUPPORT_CHILD_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace gateway {

// Far beyond what anything under test takes, also under a sanitizer on a busy machine.
inline constexpr std::chrono::seconds kProcessBound{60};

// A program that runs beside the test. What it writes is kept line by line; it is killed when this
// object goes, and by the kernel if the thread that started it ends without that. Ctrl-C at a
// terminal does not reach it.
class ChildProcess {
 public:
  struct Command {
    std::string program;  // a path
    std::vector<std::string> arguments = {};
    // The whole environment, `NAME=value` each.
    std::vector<std::string> environment = {};
  };

  // Ends the test program if the child cannot be made. A program that does not exist makes a child
  // that exits with 127.
  explicit ChildProcess(const Command& command);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // What standard output and standard error have brought so far, in whole lines.
  std::vector<std::string> OutputLines() const;
  std::vector<std::string> ErrorLines() const;

  // The same, and forgets them: for a process that writes for hours. What was taken is not waited
  // for.
  std::vector<std::string> TakeLines();

  // The first line on either of them that `fits`; nothing if none comes before the program ends or
  // `kProcessBound` is over.
  std::optional<std::string> WaitForLine(const std::function<bool(const std::string&)>& fits) const;
  // The first line that contains `part`.
  std::optional<std::string> WaitForLine(std::string_view part) const;
  // Whether so many lines that contain `part` come, waiting as above.
  [[nodiscard]] bool WaitForLines(std::string_view part, size_t count) const;

  pid_t pid() const { return pid_; }
  void Signal(int signal) const;
  // The exit code; -N if signal N ended it. Nothing if it still runs after `kProcessBound`.
  std::optional<int> WaitForExit();

  // A number of kilobytes or a count in /proc/PID/status, e.g. "VmHWM" or "Threads". Ends the test
  // program if there is none.
  long Status(std::string_view name) const;

 private:
  struct Stream {
    int descriptor = -1;
    std::vector<std::string> lines;  // guarded by mutex_
    std::string unfinished;          // reader thread only
  };

  void ReadAll();
  // False at the end of the stream.
  bool ReadSome(Stream& stream);

  pid_t pid_ = -1;
  std::optional<int> exit_code_;
  Stream output_;
  Stream error_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool ended_ = false;  // guarded by mutex_: both streams are at their end
  std::thread reader_;
};

// The environment of the test itself, without the gateway's settings.
std::vector<std::string> EnvironmentWithoutSettings();

}  // namespace gateway

#endif  // TESTS_SUPPORT_CHILD_PROCESS_H_
