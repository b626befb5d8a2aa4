#include "service/observability/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "service/observability/metrics.h"

namespace gateway {
namespace {

using Json = nlohmann::json;

// What the log writes to, and what a test reads.
class Pipe {
 public:
  Pipe() {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("pipe");
    read_end_ = ends[0];
    write_end_ = ends[1];
  }
  ~Pipe() {
    CloseReadEnd();
    CloseWriteEnd();
  }

  int write_end() const { return write_end_; }

  void CloseReadEnd() { Close(read_end_); }
  void CloseWriteEnd() { Close(write_end_); }

  // Up to the end of one line; fails if none comes in 20 s.
  std::string ReadLine() {
    std::string line;
    pollfd readable = {.fd = read_end_, .events = POLLIN, .revents = 0};
    for (char c = 0; c != '\n';) {
      if (poll(&readable, 1, 20'000) != 1 || read(read_end_, &c, 1) != 1) {
        ADD_FAILURE() << "waited for the rest of a log line; so far: " << line;
        return line;
      }
      line += c;
    }
    return line;
  }

  // Until the write end is closed.
  std::string ReadAll() {
    std::string all;
    std::vector<char> buffer(65536);
    for (;;) {
      const ssize_t got = read(read_end_, buffer.data(), buffer.size());
      if (got <= 0) return all;
      all.append(buffer.data(), static_cast<size_t>(got));
    }
  }

 private:
  static void Close(int& descriptor) {
    if (descriptor >= 0) close(descriptor);
    descriptor = -1;
  }

  int read_end_ = -1;
  int write_end_ = -1;
};

std::vector<Json> ParseLines(const std::string& text) {
  std::vector<Json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(Json::parse(line));
  return lines;
}

// What `write` logs at `level`.
template <typename Write>
std::vector<Json> LinesOf(LogLevel level, Write write) {
  Pipe pipe;
  auto text = std::async(std::launch::async, [&pipe] { return pipe.ReadAll(); });
  Metrics metrics;
  write(*Log::ToDescriptor(pipe.write_end(), level, metrics));
  pipe.CloseWriteEnd();
  return ParseLines(text.get());
}

TEST(LogTest, WritesALineAtOnce) {
  Pipe pipe;
  Metrics metrics;
  const auto log = Log::ToDescriptor(pipe.write_end(), LogLevel::kInfo, metrics);
  log->Info("serving", {{"port", int64_t{50051}}, {"share", 0.5}, {"tls", false}, {"on", "x"}});

  const std::string line = pipe.ReadLine();
  EXPECT_TRUE(std::regex_match(
      line,
      std::regex(R"(\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","level":"info",)"
                 R"("message":"serving","port":50051,"share":0\.5,"tls":false,"on":"x"\}\n)")))
      << line;
}

TEST(LogTest, TellsTheTimeInUtc) {
  const auto before = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const auto lines = LinesOf(LogLevel::kInfo, [](Log& log) { log.Info("now"); });
  const auto after = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  ASSERT_EQ(lines.size(), 1u);
  const auto text_of = [](time_t time) {
    tm utc = {};
    gmtime_r(&time, &utc);
    char text[32];
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    return std::string(text);
  };
  const std::string seconds = lines[0].at("time").get<std::string>().substr(0, 19);
  EXPECT_GE(seconds, text_of(before));
  EXPECT_LE(seconds, text_of(after));
}

TEST(LogTest, KeepsHostileTextInsideItsString) {
  const std::string hostile = "\"}\n{\"level\":\"error\"\\\xFF\x01";
  const auto lines = LinesOf(LogLevel::kInfo, [&](Log& log) {
    log.Info(hostile, {{hostile, std::string_view(hostile)}, {"long", std::string(100'000, 'x')}});
  });
  const std::string readable = "\"}\n{\"level\":\"error\"\\\uFFFD\x01";
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].at("level"), "info");
  EXPECT_EQ(lines[0].at("message"), readable);
  EXPECT_EQ(lines[0].at(readable), readable);
  EXPECT_EQ(lines[0].at("long"), std::string(100'000, 'x'));
}

TEST(LogTest, WritesWhatIsImportantEnough) {
  const auto lines = LinesOf(LogLevel::kWarn, [](Log& log) {
    EXPECT_FALSE(log.IsOn(LogLevel::kInfo));
    EXPECT_TRUE(log.IsOn(LogLevel::kWarn));
    EXPECT_TRUE(log.IsOn(LogLevel::kError));
    EXPECT_FALSE(log.IsOn(LogLevel::kOff));
    log.Debug("1");
    log.Info("2");
    log.Warn("3");
    log.Error("4");
    log.Write(LogLevel::kOff, "5", {});
  });
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].at("message"), "3");
  EXPECT_EQ(lines[0].at("level"), "warn");
  EXPECT_EQ(lines[1].at("level"), "error");
}

TEST(LogTest, WritesNothingWhenOffOrNowhere) {
  EXPECT_TRUE(LinesOf(LogLevel::kOff, [](Log& log) {
                EXPECT_FALSE(log.IsOn(LogLevel::kError));
                log.Error("lost");
              }).empty());
  const auto log = Log::Discard();
  EXPECT_FALSE(log->IsOn(LogLevel::kError));
  log->Error("lost");
}

TEST(LogTest, KeepsLinesOfManyThreadsWhole) {
  constexpr int kThreads = 4;
  constexpr int kLinesEach = 500;
  const auto lines = LinesOf(LogLevel::kInfo, [](Log& log) {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&log] {
        for (int i = 0; i < kLinesEach; ++i) log.Info("line", {{"text", std::string(300, 'x')}});
      });
    }
  });
  EXPECT_EQ(lines.size(), size_t{kThreads} * kLinesEach);
}

TEST(LogTest, DropsAndCountsTheOldestLinesInsteadOfWaitingForTheReader) {
  constexpr int64_t kLines = 60'000;  // twice what is being written, waits and fits into the pipe
  Pipe pipe;
  Metrics metrics;
  auto log = Log::ToDescriptor(pipe.write_end(), LogLevel::kInfo, metrics);
  // Nobody reads: this would never end if it waited.
  for (int64_t i = 0; i < kLines; ++i) log->Info("line", {{"number", i}});

  auto text = std::async(std::launch::async, [&pipe] { return pipe.ReadAll(); });
  log.reset();
  pipe.CloseWriteEnd();

  int64_t written = 0;
  int64_t dropped = 0;
  int64_t last = -1;
  for (const Json& line : ParseLines(text.get())) {
    if (line.contains("lines")) {
      EXPECT_EQ(line.at("level"), "warn");
      dropped += line.at("lines").get<int64_t>();
      continue;
    }
    ++written;
    EXPECT_GT(line.at("number"), last);
    last = line.at("number");
  }
  EXPECT_EQ(written + dropped, kLines);
  EXPECT_GT(dropped, 0);
  EXPECT_THAT(metrics.Text(), testing::HasSubstr("\npassfort_gateway_log_lines_dropped_total " +
                                                 std::to_string(dropped) + "\n"));
  EXPECT_EQ(last, kLines - 1);
}

TEST(LogTest, OutlivesItsReader) {
  signal(SIGPIPE, SIG_DFL);  // it would end the test
  Pipe pipe;
  Metrics metrics;
  auto log = Log::ToDescriptor(pipe.write_end(), LogLevel::kInfo, metrics);
  pipe.CloseReadEnd();
  for (int i = 0; i < 100; ++i) log->Info("to nobody");
  log.reset();
}

TEST(LogTest, EndsAlthoughItsReaderTakesNothing) {
  Pipe pipe;
  Metrics metrics;
  auto log = Log::ToDescriptor(pipe.write_end(), LogLevel::kInfo, metrics);
  for (int i = 0; i < 20'000; ++i) log->Info("to a stuck reader");
  auto end = std::async(std::launch::async, [&log] { log.reset(); });
  EXPECT_EQ(end.wait_for(std::chrono::seconds(30)), std::future_status::ready)
      << "waited for the log to give up on its reader";
  pipe.CloseReadEnd();
}

std::vector<std::string> MessagesOf(const std::vector<LoggedProblem>& problems) {
  std::vector<std::string> messages;
  for (const LoggedProblem& problem : problems) messages.push_back(problem.message);
  return messages;
}

class RecentProblemsTest : public testing::Test {
 protected:
  Pipe pipe_;
  Metrics metrics_;
  const std::unique_ptr<Log> log_ = Log::ToDescriptor(pipe_.write_end(), LogLevel::kInfo, metrics_);
};

TEST_F(RecentProblemsTest, CountsWarningsAndErrorsByTheirMessage) {
  log_->Info("serving");
  log_->Warn("paused", {{"endpoint", "GET /a"}, {"ms", int64_t{5}}});
  log_->Error("the store fails", {{"detail", "SQLSTATE 3D000"}});
  log_->Warn("paused", {{"endpoint", "GET /b"},
                        {"trace_id", "0af7"},
                        {"caller", "spiffe://example.org/a"},
                        {"caller_name", "a"},
                        {"ms", int64_t{7}}});

  const auto problems = log_->RecentProblems();
  ASSERT_THAT(MessagesOf(problems), testing::ElementsAre("paused", "the store fails"));
  EXPECT_EQ(problems[0].level, LogLevel::kWarn);
  EXPECT_EQ(problems[0].fields, "endpoint: GET /b; ms: 7");
  EXPECT_EQ(problems[0].count, 2);
  EXPECT_EQ(problems[1].level, LogLevel::kError);
  EXPECT_EQ(problems[1].count, 1);
}

TEST_F(RecentProblemsTest, KeepsTheLastTen) {
  for (int i = 0; i < 12; ++i) log_->Warn(std::to_string(i));
  log_->Warn("3");
  EXPECT_THAT(MessagesOf(log_->RecentProblems()),
              testing::ElementsAre("3", "11", "10", "9", "8", "7", "6", "5", "4", "2"));
}

TEST_F(RecentProblemsTest, CutsLongTexts) {
  log_->Warn(std::string(10'000, 'm'), {{"detail", std::string(10'000, 'd')}});
  const auto problems = log_->RecentProblems();
  ASSERT_EQ(problems.size(), 1);
  EXPECT_EQ(problems[0].message.size(), 1024);
  EXPECT_EQ(problems[0].fields.size(), 1024);
}

TEST_F(RecentProblemsTest, HasNothingThatTheLogDoesNotShow) {
  const auto errors_alone = Log::ToDescriptor(pipe_.write_end(), LogLevel::kError, metrics_);
  errors_alone->Warn("paused");
  EXPECT_THAT(errors_alone->RecentProblems(), testing::IsEmpty());
}

}  // namespace
}  // namespace gateway
