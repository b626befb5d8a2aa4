#include "tests/support/postgres_server.h"

#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <sstream>
#include <string_view>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/support/test_certificates.h"

namespace gateway {
namespace {

// Debian's packages have a folder for each major version.
constexpr char kVersions[] = "/usr/lib/postgresql";
constexpr std::chrono::seconds kStartBound{60};

[[noreturn]] void Fail(const std::string& reason) {
  std::fprintf(stderr, "PostgreSQL for tests: %s\n", reason.c_str());
  std::abort();
}

void Check(bool done, const std::string& what) {
  if (!done) Fail(absl::StrCat(what, ": ", std::strerror(errno)));
}

// Of the newest version here.
std::string Program(const std::string& name) {
  int newest = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(kVersions, ignored)) {
    newest = std::max(newest, std::atoi(entry.path().filename().c_str()));
  }
  return absl::StrCat(kVersions, "/", newest, "/bin/", name);
}

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const unsigned char c : text) {
    if (std::isalnum(c)) {
      escaped.push_back(static_cast<char>(c));
    } else {
      char hex[4];
      std::snprintf(hex, sizeof(hex), "%%%02X", c);
      escaped += hex;
    }
  }
  return escaped;
}

pid_t ParentOf(const std::string& process) {
  std::ifstream file("/proc/" + process + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("PPid:", 0) == 0) return std::atoi(line.c_str() + 5);
  }
  return -1;
}

}  // namespace

PostgresServer& PostgresServer::OfThisProgram() {
  static PostgresServer server;
  return server;
}

PostgresServer::PostgresServer() : user_(geteuid()), group_(getegid()) {
  if (user_ == 0) {
    const passwd* const postgres = getpwnam("postgres");
    if (postgres == nullptr) Fail("there is no user `postgres`; is PostgreSQL installed?");
    user_ = postgres->pw_uid;
    group_ = postgres->pw_gid;
  }
  char folder[] = "/tmp/gateway-postgres-XXXXXX";  // short: it names a Unix socket
  Check(mkdtemp(folder) != nullptr, "make a folder");
  folder_ = folder;
  Check(chown(folder, user_, group_) == 0, "give the folder away");

  WriteFile("password", kPassword);
  RunProgram({Program("initdb"), "--pgdata", Path("data"), "--username", "gateway", "--pwfile",
              Path("password"), "--auth-local", "trust", "--auth-host", "scram-sha-256",
              "--encoding", "UTF8", "--locale", "C", "--no-sync"});
  const TestAuthority authority;
  const TlsIdentity identity = authority.Issue({"localhost", kRemoteName});
  WriteFile("authority.crt", authority.certificate_pem());
  WriteFile("server.crt", identity.certificate_pem);
  WriteFile("server.key", identity.key_pem);
  // PostgreSQL refuses a key that others can read.
  Check(chmod(Path("server.key").c_str(), 0600) == 0, "close the key to others");
  Check(chmod(folder, 0755) == 0, "open the folder to clients");
  WriteFile("data/pg_hba.conf",
            "local all all trust\n"
            "hostssl all all 127.0.0.1/32 scram-sha-256\n");
  Start();
}

PostgresServer::~PostgresServer() {
  Stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string PostgresServer::CreateDatabase() {
  const std::string name = absl::StrCat("test_", ++databases_);
  Execute("postgres", "CREATE DATABASE " + name);
  return name;
}

std::string PostgresServer::Url(const std::string& database) const {
  return absl::StrCat("postgresql://gateway@/", database, "?host=", Escaped(folder_),
                      "&port=", port_.port());
}

std::string PostgresServer::TlsUrl(const std::string& database, const std::string& password) const {
  return absl::StrCat("postgresql://gateway:", Escaped(password), "@localhost:", port_.port(), "/",
                      database,
                      "?sslmode=verify-full&sslrootcert=", Escaped(Path("authority.crt")));
}

std::string PostgresServer::RemoteUrl(const std::string& database, const std::string& name) const {
  return absl::StrReplaceAll(TlsUrl(database), {{"@localhost:", absl::StrCat("@", name, ":")}}) +
         "&hostaddr=127.0.0.1";
}

std::string PostgresServer::Execute(const std::string& database, const std::string& sql) {
  const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(Url(database).c_str()),
                                                              PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) Fail(PQerrorMessage(connection.get()));
  const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(connection.get(), sql.c_str()),
                                                              PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    Fail(absl::StrCat(sql, ": ", PQerrorMessage(connection.get())));
  }
  return PQntuples(result.get()) == 0 ? "" : PQgetvalue(result.get(), 0, 0);
}

void PostgresServer::Start() {
  const auto bound = std::chrono::steady_clock::now() + kStartBound;
  StartServer();
  while (PQping(Url("postgres").c_str()) != PQPING_OK) {
    if (std::chrono::steady_clock::now() > bound) {
      Fail("the server does not take connections:\n" + LogText());
    }
    // After a kill the server ends at once if a process of the one before has not quite gone.
    if (waitpid(server_, nullptr, WNOHANG) != 0) StartServer();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void PostgresServer::StartServer() {
  server_ = StartProgram(
      {Program("postgres"), "-D", Path("data"), "-p", absl::StrCat(port_.port()), "-c",
       "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + folder_, "-c", "fsync=off",
       "-c", "full_page_writes=off", "-c", "ssl=on", "-c", "ssl_cert_file=" + Path("server.crt"),
       "-c", "ssl_key_file=" + Path("server.key"), "-c", "shared_buffers=16MB",
       // Its workers would stand among the sessions that tests count.
       "-c", "autovacuum=off"});
}

void PostgresServer::Stop() {
  if (server_ < 0) return;
  Resume();
  kill(server_, SIGQUIT);
  waitpid(server_, nullptr, 0);
  server_ = -1;
}

void PostgresServer::Kill() {
  Pause();  // makes no more children
  std::vector<int> ends;
  for (const pid_t child : Children()) {
    // Other processes' children cannot be waited for, but their descriptors can.
    ends.push_back(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
    kill(child, SIGKILL);
  }
  kill(server_, SIGKILL);
  waitpid(server_, nullptr, 0);
  server_ = -1;
  // The next one does not start while any of them still holds the shared memory.
  for (const int end : ends) {
    if (end < 0) continue;  // it had gone by itself
    pollfd ended = {.fd = end, .events = POLLIN, .revents = 0};
    poll(&ended, 1, -1);
    close(end);
  }
}

void PostgresServer::Pause() { SignalAll(SIGSTOP); }

void PostgresServer::Resume() { SignalAll(SIGCONT); }

std::vector<pid_t> PostgresServer::Children() const {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (!std::isdigit(static_cast<unsigned char>(name.front()))) continue;
    if (ParentOf(name) == server_) children.push_back(std::atoi(name.c_str()));
  }
  return children;
}

void PostgresServer::SignalAll(int signal) const {
  kill(server_, signal);  // first: it makes no more of the others then
  for (const pid_t child : Children()) kill(child, signal);
}

void PostgresServer::WriteFile(const std::string& name, const std::string& text) const {
  std::ofstream file(Path(name), std::ios::trunc);
  file << text;
  file.close();
  Check(!file.fail(), "write " + name);
  Check(chown(Path(name).c_str(), user_, group_) == 0, "give away " + name);
}

void PostgresServer::RunProgram(const std::vector<std::string>& command) const {
  const pid_t child = StartProgram(command);
  int status = 0;
  Check(waitpid(child, &status, 0) == child, "wait for " + command.front());
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  Fail(command.front() + " failed:\n" + LogText());
}

std::string PostgresServer::LogText() const {
  std::ostringstream log;
  log << std::ifstream(Path("log")).rdbuf();
  return log.str();
}

pid_t PostgresServer::StartProgram(const std::vector<std::string>& command) const {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  char locale[] = "LC_ALL=C";
  char path[] = "PATH=/usr/bin:/bin";
  char* const environment[] = {locale, path, nullptr};
  const std::string log_path = Path("log");

  const pid_t child = fork();
  Check(child >= 0, "fork");
  if (child > 0) return child;
  const int log = open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  // What the test listens on would stay open in the server, and Boost's sockets stay open in exec.
  close_range(STDERR_FILENO + 1, std::numeric_limits<unsigned int>::max(), 0);
  if (geteuid() != user_ &&
      (setgroups(0, nullptr) != 0 || setgid(group_) != 0 || setuid(user_) != 0)) {
    _exit(126);
  }
  // The server does not outlive a test program that is killed.
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  setpgid(0, 0);  // nor does Ctrl-C at a terminal end it before the test program has
  if (chdir("/") != 0) _exit(126);
  execve(arguments.front(), arguments.data(), environment);
  _exit(127);
}

}  // namespace gateway
