// A thousand calls of all kinds while Passfort misbehaves: of the persons they are about, nothing
// is kept, logged, counted or told with an error.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <memory>
#include <mutex>
#include <ostream>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/integration/gateway/read_caller.h"
#include "tests/integration/gateway/secrecy/bytes_in.h"
#include "tests/integration/gateway/secrecy/canaries.h"
#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"
#include "tests/support/postgres_server.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

constexpr char kPerson[] = "PersonCanary";
constexpr int kCalls = 1000;
constexpr int kCallers = 4;

std::string Of(const std::string& what) { return kPerson + ("-" + what); }

pb::CreateProfileRequest CreatesAPerson(const std::string& request_id) {
  pb::CreateProfileRequest request;
  request.set_role(pb::PROFILE_ROLE_INDIVIDUAL_CUSTOMER);
  auto& data = *request.mutable_collected_data()->mutable_fields();
  data["entity_type"].set_string_value("INDIVIDUAL");
  data["customer_ref"].set_string_value(Of("reference"));
  auto& contact = *data["contact_details"].mutable_struct_value()->mutable_fields();
  contact["email"].set_string_value(Of("mail") + "@example.com");
  auto& details = *data["personal_details"].mutable_struct_value()->mutable_fields();
  details["dob"].set_string_value(Of("1987-01-31"));
  auto& name = *details["name"].mutable_struct_value()->mutable_fields();
  name["family_name"].set_string_value(Of("family"));
  request.add_product_applications()->mutable_product()->set_alias("forexo_basic");
  request.set_request_id(request_id);
  return request;
}

// What Passfort may do to any request. Where it speaks, it speaks of persons.
std::vector<Fault> Misbehaviour() {
  using Then = Fault::Then;
  const std::string error = R"({"errors": [{"code": 201, "source": ")" + Of("source") +
                            R"(", "message": ")" + Of("message") + R"(", "info": {"name": ")" +
                            Of("info") + R"("}}]})";
  const std::string page = "<html><title>" + Of("title") + "</title></html>";
  const auto speaks = [](int status, std::string body) -> Fault {
    return {.carry_out = Fault::CarryOut::kNever,
            .answer = {.status = status,
                       .headers = {{"X-Request-Id", Of("id")}, {"Server", Of("server")}},
                       .body = std::move(body)}};
  };
  const std::string quoted = '"' + Of("comment") + '"';
  return {
      speaks(422, error),
      speaks(404, error),
      speaks(500, page),
      speaks(503, page),
      speaks(200, page),
      {.answer = {.body = "{\"id\": \"" + Of("cut")}},
      {.send = Fault::Send::kNothing, .then = Then::kReset},
      {.send = Fault::Send::kNothing, .then = Then::kClose},
      {.carry_out = Fault::CarryOut::kNever, .send = Fault::Send::kNothing, .then = Then::kReset},
      {.answer = {.set = {{"/comment", quoted}}, .cut_after = 200}},
      {.answer = {.set = {{"/comment", quoted}, {"/status", quoted}, {"/flag", quoted}}}},
  };
}

// Calls of all five kinds by several callers, each with profiles of its own.
class MixedCalls {
 public:
  MixedCalls(FakePassfort& passfort, std::string target)
      : passfort_(passfort), target_(std::move(target)) {}

  void Run() {
    std::vector<std::thread> callers;
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([this, i] { RunCaller(i); });
    }
    for (std::thread& caller : callers) caller.join();
  }

  int ok() const { return ok_; }
  int failed() const { return failed_; }
  // Everything that errors told.
  std::string errors() const { return errors_; }
  // That a person was in what succeeded: else no canary was planted.
  int shown_persons() const { return shown_persons_; }

 private:
  void RunCaller(int number) {
    std::mt19937 random(number);
    const auto below = [&random](size_t limit) { return random() % limit; };
    const std::vector<Fault> misbehaviour = Misbehaviour();
    const ReadCaller caller(target_);
    const GatewayCaller writer(target_);
    std::vector<pb::Profile> profiles;
    int request_ids = 0;
    const auto request_id = [&](size_t of) {
      return "caller-" + std::to_string(number) + "-" + std::to_string(of);
    };
    for (int i = 0; i < kCalls / kCallers; ++i) {
      if (below(3) == 0) passfort_.Script(misbehaviour[below(misbehaviour.size())]);
      const size_t kind = below(6);
      if (kind == 0 || profiles.empty()) {
        const auto created = caller.Create(CreatesAPerson(request_id(++request_ids)));
        Note(created);
        if (created.status.ok()) profiles.push_back(created.response.profile());
        continue;
      }
      const pb::Profile& profile = profiles[below(profiles.size())];
      if (kind == 1) {
        Note(caller.Create(CreatesAPerson(request_id(1 + below(request_ids)))));
      } else if (kind == 2) {
        auto request = ARequest();
        request.set_profile_id(profile.id());
        request.set_request_id("add-" + request_id(below(i + 1)));
        Note(writer.Add(request));
      } else if (kind == 3 && profile.product_applications_size() > 0) {
        Note(caller.Get(profile.id(), profile.product_applications(0).id()));
      } else if (kind == 4) {
        Note(caller.List(profile.id()));
      } else {
        Note(caller.GetProfile(profile.id()));
      }
    }
  }

  template <typename Answer>
  void Note(const Answer& answer) {
    const std::lock_guard lock(mutex_);
    if (answer.status.ok()) {
      ++ok_;
      if (answer.response.SerializeAsString().find(kPerson) != std::string::npos) ++shown_persons_;
      return;
    }
    ++failed_;
    errors_ += answer.status.error_message() + "\n";
    for (const auto& [name, value] : answer.trailers) errors_ += name + ": " + value + "\n";
  }

  FakePassfort& passfort_;
  const std::string target_;
  std::mutex mutex_;
  int ok_ = 0;
  int failed_ = 0;
  int shown_persons_ = 0;
  std::string errors_;
};

// A store and a way to see each byte of it.
class SeenStore {
 public:
  virtual ~SeenStore() = default;
  virtual std::string url() const = 0;
  virtual std::string Bytes() const = 0;
};

class SqliteFiles : public SeenStore {
 public:
  std::string url() const override { return "sqlite:" + folder_.File("records.db"); }
  std::string Bytes() const override { return BytesIn(folder_); }

 private:
  const TemporaryFolder folder_;
};

class PostgresDump : public SeenStore {
 public:
  std::string url() const override { return url_; }
  std::string Bytes() const override {
    const std::unique_ptr<FILE, int (*)(FILE*)> dump(
        popen(("pg_dump --dbname='" + url_ + "'").c_str(), "r"), pclose);
    std::string bytes;
    std::array<char, 4096> buffer;
    for (size_t read; (read = fread(buffer.data(), 1, buffer.size(), dump.get())) > 0;) {
      bytes.append(buffer.data(), read);
    }
    return bytes;
  }

 private:
  const std::string url_ =
      PostgresServer::OfThisProgram().TlsUrl(PostgresServer::OfThisProgram().CreateDatabase());
};

struct StoreKind {
  std::string name;
  std::unique_ptr<SeenStore> (*make)();

  friend void PrintTo(const StoreKind& shown, std::ostream* out) { *out << shown.name; }
};

class PersonsTest : public testing::TestWithParam<StoreKind> {};

TEST_P(PersonsTest, LeaveNothingBehind) {
  const std::unique_ptr<SeenStore> store = GetParam().make();
  FakePassfort passfort;
  GatewayProcess gateway(
      {.api_url = passfort.url(),
       .flags = {"--log_level=debug", "--circuit_breaker=off", "--settle_window=10ms",
                 "--attempt_timeout=2s", "--lease_duration=500ms", "--max_deadline=10s",
                 "--default_deadline=10s"},
       .environment = {"PASSFORT_GATEWAY_STORE=" + store->url()}});
  MixedCalls calls(passfort, gateway.target());
  calls.Run();

  // Both happened, and there was somebody to be found.
  EXPECT_GT(calls.ok(), kCalls / 4);
  EXPECT_GT(calls.failed(), kCalls / 20);
  EXPECT_GT(calls.shown_persons(), kCalls / 10);
  const std::string kept = store->Bytes();
  EXPECT_THAT(kept, testing::HasSubstr("caller-0-1"));

  const Words persons = {kPerson};
  EXPECT_THAT(Found(persons, calls.errors()), testing::IsEmpty());
  EXPECT_THAT(Found(persons, gateway.Metrics()), testing::IsEmpty());
  EXPECT_THAT(Found(persons, kept), testing::IsEmpty());
  gateway.Signal(SIGTERM);
  EXPECT_EQ(gateway.WaitForExit(), 0);
  EXPECT_THAT(Found(persons, gateway.LogText()), testing::IsEmpty());
  EXPECT_THAT(Found(persons, store->Bytes()), testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Stores, PersonsTest,
                         testing::Values(StoreKind{"Sqlite",
                                                   []() -> std::unique_ptr<SeenStore> {
                                                     return std::make_unique<SqliteFiles>();
                                                   }},
                                         StoreKind{"Postgres",
                                                   []() -> std::unique_ptr<SeenStore> {
                                                     return std::make_unique<PostgresDump>();
                                                   }}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace gateway
