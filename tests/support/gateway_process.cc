#include "tests/support/gateway_process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>
#include <utility>

namespace gateway {
namespace {

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

[[noreturn]] void Die(const std::string& what, const std::string& detail) {
  std::fprintf(stderr, "%s\n%s", what.c_str(), detail.c_str());
  std::abort();
}

ChildProcess::Command CommandFor(const GatewayProcess::Settings& settings) {
  ChildProcess::Command command = {
      .program = GatewayProgram(),
      .arguments = {"--listen=127.0.0.1:0", "--metrics_listen=127.0.0.1:0",
                    "--api_url=" + settings.api_url},
      .environment = EnvironmentWithoutSettings()};
  for (const auto& flag : settings.flags) command.arguments.push_back(flag);
  for (const auto& setting : settings.environment) command.environment.push_back(setting);
  if (settings.max_descriptors > 0) {
    const std::string limit = std::to_string(settings.max_descriptors);
    command.arguments.insert(command.arguments.begin(),
                             {"--nofile=" + limit + ":" + limit, command.program});
    command.program = "/usr/bin/prlimit";
  }
  if (!settings.api_key.empty()) {
    command.environment.push_back("PASSFORT_GATEWAY_API_KEY=" + settings.api_key);
  }
  return command;
}

// What "host:port" answers a GET with.
std::string HttpExchange(const std::string& address, const std::string& path) {
  const size_t colon = address.rfind(':');
  sockaddr_in endpoint = {};
  endpoint.sin_family = AF_INET;
  endpoint.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &endpoint.sin_addr);
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(descriptor, reinterpret_cast<sockaddr*>(&endpoint), sizeof(endpoint)) != 0) {
    Die("cannot connect to " + address, "");
  }
  const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
  send(descriptor, request.data(), request.size(), MSG_NOSIGNAL);
  std::string answer;
  std::array<char, 16 * 1024> buffer;
  for (ssize_t bytes = 0; (bytes = recv(descriptor, buffer.data(), buffer.size(), 0)) > 0;) {
    answer.append(buffer.data(), static_cast<size_t>(bytes));
  }
  close(descriptor);
  if (answer.find("\r\n\r\n") == std::string::npos) {
    Die("no HTTP answer from " + address, answer);
  }
  return answer;
}

std::string BodyOf(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

}  // namespace

std::string GatewayProgram() {
  const char* other = std::getenv("GATEWAY_PROGRAM");
  return other != nullptr ? other : GATEWAY_PROGRAM;
}

GatewayProcess::GatewayProcess(const Settings& settings) : process_(CommandFor(settings)) {
  const auto line = process_.WaitForLine("\"message\":\"serving\"");
  if (!line) Die("the gateway does not serve; it wrote:", LogText());
  const auto serving = nlohmann::json::parse(*line);
  target_ = serving.at("listen").get<std::string>();
  metrics_address_ = serving.at("metrics_listen").get<std::string>();
}

std::string GatewayProcess::Metrics() const { return BodyOf(Page("/metrics")); }

std::string GatewayProcess::Page(const std::string& path) const {
  return HttpExchange(metrics_address_, path);
}

std::string GatewayProcess::FreshStatus() const {
  const auto report = [this] { return BodyOf(Page("/statusz.json")); };
  const auto time_of = [](const std::string& text) {
    return nlohmann::json::parse(text).at("at").get<std::string>();
  };
  const std::string old = time_of(report());
  const auto bound = std::chrono::steady_clock::now() + kProcessBound;
  for (std::string text = report();; text = report()) {
    if (time_of(text) != old) return text;
    if (std::chrono::steady_clock::now() > bound) Die("no new report comes:", text);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

double GatewayProcess::Counter(std::string_view name,
                               const std::vector<std::string>& labels) const {
  double sum = 0;
  std::istringstream text(Metrics());
  for (std::string line; std::getline(text, line);) {
    const bool has_name = line.starts_with(name) && line.size() > name.size();
    bool fits = has_name && (line[name.size()] == '{' || line[name.size()] == ' ');
    for (const auto& label : labels) fits = fits && line.find(label) != std::string::npos;
    if (fits) sum += std::stod(line.substr(line.rfind(' ') + 1));
  }
  return sum;
}

std::vector<std::string> GatewayProcess::LogLines() const {
  std::vector<std::string> lines = process_.OutputLines();
  const std::vector<std::string> errors = process_.ErrorLines();
  lines.insert(lines.end(), errors.begin(), errors.end());
  return lines;
}

std::string GatewayProcess::LogText() const { return Joined(LogLines()); }

std::string GatewayProcess::WaitForLogLine(std::string_view part) const {
  const auto line = process_.WaitForLine(part);
  if (!line) Die("waited in vain for a log line with: " + std::string(part), LogText());
  return *line;
}

void GatewayProcess::WaitForLogLines(std::string_view part, size_t count) const {
  if (process_.WaitForLines(part, count)) return;
  Die("waited in vain for " + std::to_string(count) + " log lines with: " + std::string(part),
      LogText());
}

size_t GatewayProcess::PeakResidentBytes() const {
  return static_cast<size_t>(process_.Status("VmHWM")) * 1024;
}

int GatewayProcess::Threads() const { return static_cast<int>(process_.Status("Threads")); }

GatewayRun RunGateway(std::vector<std::string> flags, std::vector<std::string> environment) {
  ChildProcess::Command command = {.program = GatewayProgram(),
                                   .arguments = std::move(flags),
                                   .environment = EnvironmentWithoutSettings()};
  for (auto& setting : environment) command.environment.push_back(std::move(setting));
  ChildProcess process(command);
  GatewayRun run;
  run.exit_code = process.WaitForExit();
  run.output = Joined(process.OutputLines());
  run.error = Joined(process.ErrorLines());
  return run;
}

}  // namespace gateway
