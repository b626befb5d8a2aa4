#include "tests/integration/gateway/secrecy/mixed_calls.h"

#include <grpcpp/generic/generic_stub.h>

#include <chrono>
#include <deque>
#include <future>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "passfort/gateway/v1/profile_service.grpc.pb.h"
#include "tests/support/grpc_errors.h"

namespace gateway {
namespace {

using std::chrono::milliseconds;

// Most of the time each of them waits.
constexpr int kCallers = 20;
// As many at once take every place of the gateway.
constexpr int kBurst = 20;
constexpr milliseconds kHurry{150};

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

pb::GetProfileRequest Gets(const pb::Profile& profile) {
  pb::GetProfileRequest request;
  request.set_profile_id(profile.id());
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

// What is no trace, so the gateway begins one.
const std::vector<std::vector<std::string>>& BrokenTraceparents() {
  static const auto& broken = *new std::vector<std::vector<std::string>>{
      {Of("traceparent")},
      {"00-" + Of("trace") + "-00f067aa0ba902b7-01"},
      {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"},
      {"00-00000000000000000000000000000000-00f067aa0ba902b7-01"},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-" + Of("more")},
      {"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
       "00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b7-01"},
  };
  return broken;
}

bool ShowsPerson(const google::protobuf::Message& response) {
  return response.SerializeAsString().find(kPerson) != std::string::npos;
}

}  // namespace

// One of those who call, on a thread of its own.
class MixedCalls::OneCaller {
 public:
  OneCaller(MixedCalls& all, int number)
      : all_(all),
        number_(number),
        random_(number),
        connection_(all.target_),
        applications_(pb::ProductApplicationService::NewStub(connection_.channel())),
        profiles_(pb::ProfileService::NewStub(connection_.channel())) {}

  void Run() {
    const std::vector<Fault> misbehaviour = Misbehaviour();
    while (made_ < all_.calls_ / kCallers) {
      if (Below(3) == 0) all_.passfort_.Script(misbehaviour[Below(misbehaviour.size())]);
      if (known_.empty()) {
        Create(NewRequestId());
        continue;
      }
      // Of a hundred calls or bursts.
      const size_t kind = Below(100);
      if (kind < 15) {
        Create(NewRequestId());
      } else if (kind < 28) {
        Create(RequestId(1 + Below(request_ids_)));
      } else if (kind < 42) {
        Add();
      } else if (kind < 55) {
        Get();
      } else if (kind < 67) {
        List();
      } else if (kind < 80) {
        Read(Any(), kCallBound);
      } else if (kind < 86) {
        Call(*profiles_, &Profiles::GetProfile, {});  // is wrong
      } else if (kind < 91) {
        CallPath("/no.such.Service/" + Of("method"));
      } else if (kind < 94) {
        CallPath("/grpc.health.v1.Health/Check");
      } else if (kind < 96) {
        ReadInAHurry();
      } else if (kind < 98) {
        ReadAndGiveUp();
      } else if (kind < 99) {
        CreateByManyAtOnce();
      } else if (Below(3) == 0) {
        ReadManyAtOnce();
      } else {
        CreateInAHurry();
      }
    }
  }

 private:
  using Applications = pb::ProductApplicationService::Stub;
  using Profiles = pb::ProfileService::Stub;

  size_t Below(size_t limit) { return random_() % limit; }
  const pb::Profile& Any() { return known_[Below(known_.size())]; }
  std::string RequestId(size_t of) const {
    return "caller-" + std::to_string(number_) + "-" + std::to_string(of);
  }
  std::string NewRequestId() { return RequestId(++request_ids_); }

  // Makes the context that of a call that begins here.
  CallMade Begin(grpc::ClientContext& context, milliseconds timeout = kCallBound) {
    ++made_;
    context.set_deadline(std::chrono::system_clock::now() + timeout);
    context.AddMetadata("x-customer", Of("metadata"));
    const size_t kind = Below(20);
    if (kind == 0) return {};  // names no trace
    context.AddMetadata("tracestate", "vendor=" + Of("state"));
    if (kind == 1) {
      for (const std::string& value : BrokenTraceparents()[Below(BrokenTraceparents().size())]) {
        context.AddMetadata("traceparent", value);
      }
      return {};
    }
    CallMade made{.trace_id = absl::StrFormat("%016x%08x%08x", number_ + 1, made_, random_())};
    context.AddMetadata("traceparent", "00-" + made.trace_id + "-00f067aa0ba902b7-01");
    return made;
  }

  template <typename Stub, typename Request, typename Response>
  std::optional<Response> Call(
      Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
      const std::type_identity_t<Request>& request, milliseconds timeout = kCallBound) {
    grpc::ClientContext context;
    const CallMade made = Begin(context, timeout);
    return End(stub, method, request, made, context);
  }
  // Makes the call that has begun. Any thread.
  template <typename Stub, typename Request, typename Response>
  std::optional<Response> End(
      Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
      const Request& request, const CallMade& made, grpc::ClientContext& context) {
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    all_.Note(made, status, context, status.ok() && ShowsPerson(response));
    if (!status.ok()) return std::nullopt;
    return response;
  }

  void Create(const std::string& request_id, milliseconds timeout = kCallBound) {
    auto created = Call(*profiles_, &Profiles::CreateProfile, CreatesAPerson(request_id), timeout);
    if (created) known_.push_back(std::move(*created->mutable_profile()));
  }
  void Add() {
    auto request = ARequest();
    request.set_profile_id(Any().id());
    request.set_request_id("add-" + RequestId(Below(made_ + 1)));
    Call(*applications_, &Applications::AddProductApplication, request);
  }
  void Get() {
    const pb::Profile& profile = Any();
    pb::GetProductApplicationRequest request;
    request.set_profile_id(profile.id());
    // There may be none, and then it is wrong.
    if (profile.product_applications_size() > 0) {
      request.set_product_application_id(profile.product_applications(0).id());
    }
    Call(*applications_, &Applications::GetProductApplication, request);
  }
  void List() {
    pb::ListProductApplicationsRequest request;
    request.set_profile_id(Any().id());
    Call(*applications_, &Applications::ListProductApplications, request);
  }
  void Read(const pb::Profile& profile, milliseconds timeout) {
    Call(*profiles_, &Profiles::GetProfile, Gets(profile), timeout);
  }

  void CallPath(const std::string& path) {
    grpc::GenericStub stub(connection_.channel());
    grpc::ClientContext context;
    const CallMade made = Begin(context);
    const grpc::ByteBuffer request(nullptr, 0);
    grpc::ByteBuffer response;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, path, grpc::StubOptions(), &request, &response,
                   [&done](grpc::Status status) { done.set_value(std::move(status)); });
    all_.Note(made, done.get_future().get(), context, false);
  }

  // Passfort does not answer in time.
  void ReadInAHurry() {
    const pb::Profile& profile = Any();
    all_.passfort_.Script(
        {.profile_id = profile.id(), .send = Fault::Send::kNothing, .then = Fault::Then::kHang});
    Read(profile, kHurry);
  }
  void CreateInAHurry() {
    all_.passfort_.Script({.endpoint = Endpoint::kProfileCreate,
                           .send = Fault::Send::kNothing,
                           .then = Fault::Then::kHang});
    Create(NewRequestId(), kHurry);
  }
  void ReadAndGiveUp() {
    const pb::GetProfileRequest request = Gets(Any());
    grpc::ClientContext context;
    const CallMade made = Begin(context);
    const auto call = std::async(std::launch::async, [&] {
      End(*profiles_, &Profiles::GetProfile, request, made, context);
    });
    std::this_thread::sleep_for(std::chrono::microseconds(Below(3000)));
    context.TryCancel();
  }

  // Identical calls, so that they share what becomes of the first.
  void CreateByManyAtOnce() {
    constexpr int kIdentical = 3;
    AtOnce(&Profiles::CreateProfile, CreatesAPerson(NewRequestId()), kIdentical);
  }
  void ReadManyAtOnce() { AtOnce(&Profiles::GetProfile, Gets(Any()), kBurst); }

  template <typename Request, typename Response>
  void AtOnce(grpc::Status (Profiles::*method)(grpc::ClientContext*, const Request&, Response*),
              const Request& request, int calls) {
    std::deque<grpc::ClientContext> contexts(calls);
    std::vector<std::future<std::optional<Response>>> ends;
    for (grpc::ClientContext& context : contexts) {
      ends.push_back(std::async(std::launch::async, [&, made = Begin(context)] {
        return End(*profiles_, method, request, made, context);
      }));
    }
  }

  MixedCalls& all_;
  const int number_;
  std::mt19937 random_;
  const GatewayCaller connection_;
  const std::unique_ptr<Applications> applications_;
  const std::unique_ptr<Profiles> profiles_;
  std::vector<pb::Profile> known_;
  int made_ = 0;
  int request_ids_ = 0;
};

void MixedCalls::Run() {
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([this, i] { OneCaller(*this, i).Run(); });
  }
  for (std::thread& caller : callers) caller.join();
}

std::map<std::string, int> MixedCalls::Ends() const {
  std::map<std::string, int> ends;
  for (const CallMade& call : made_) {
    ++ends[!call.is_answered ? "given up" : call.reason.empty() ? "OK" : call.reason];
  }
  return ends;
}

void MixedCalls::Note(CallMade made, const grpc::Status& status, const grpc::ClientContext& context,
                      bool shows_person) {
  const auto info = DetailOf<google::rpc::ErrorInfo>(status);
  // Each error of the gateway has details, and none that the client's library makes up.
  made.is_answered = status.ok() || !info.reason().empty();
  made.reason = info.reason();
  const auto phase = info.metadata().find("phase");
  if (phase != info.metadata().end()) made.phase = phase->second;
  const std::lock_guard lock(mutex_);
  made_.push_back(std::move(made));
  if (shows_person) ++shown_persons_;
  if (status.ok()) return;
  errors_ += status.error_message() + "\n";
  for (const auto& [name, value] : Received(status, context).trailers) {
    errors_ += name + ": " + value + "\n";
  }
}

}  // namespace gateway
