// Creates a profile with product applications through the gateway and prints it as JSON.
//
//   create_profile --target=127.0.0.1:50051 --role=PROFILE_ROLE_INDIVIDUAL_CUSTOMER
//       --data=examples/person.json --product_aliases=forexo_basic --request_id=order-1
//
// The same line again returns the same profile, because the request_id is the same. What a caller
// has to get right is in `Explain` of gateway_call.cc, and for a profile in kIfUnknownForGood:
// where the response to a create was lost, no retry brings it. Exit codes: 0 created, 1 not created
// by this call, 2 unknown, 3 wrong usage.

#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/time/time.h"
#include "examples/gateway_call.h"
#include "passfort/gateway/v1/profile_service.grpc.pb.h"

ABSL_FLAG(std::string, role, "", "what the profile is for, e.g. PROFILE_ROLE_INDIVIDUAL_CUSTOMER");
// No text on the command line, because the machine's other users can read that.
ABSL_FLAG(std::string, data, "", "file with what is known of the person or company, as JSON");
ABSL_FLAG(std::vector<std::string>, product_aliases, {},
          "short names of the products to apply for, joined by commas");
ABSL_FLAG(std::string, request_id, "",
          "names the intent, so that a retry of this call creates no second profile");
ABSL_FLAG(absl::Duration, timeout, absl::Seconds(70),
          "how long to wait, at most 70s; Passfort itself may take 60s");

namespace {

// Not `pb`: newer versions of protobuf have a namespace of that name.
namespace api = ::passfort::gateway::v1;

constexpr char kIfUnknown[] = "retry with the same --request_id, which is always safe.";
constexpr char kIfUnknownForGood[] =
    "a person looks for the profile in Passfort's portal, not before look_from; if it is not "
    "there, "
    "create it under another --request_id.";

bool FillRequest(api::CreateProfileRequest& request) {
  api::ProfileRole role;
  if (!api::ProfileRole_Parse(absl::GetFlag(FLAGS_role), &role)) {
    std::cerr << "--role=" << absl::GetFlag(FLAGS_role) << " is no role of the contract\n";
    return false;
  }
  request.set_role(role);
  std::ifstream file(absl::GetFlag(FLAGS_data));
  const std::string data{std::istreambuf_iterator<char>(file), {}};
  if (!google::protobuf::util::JsonStringToMessage(data, request.mutable_collected_data()).ok()) {
    std::cerr << "--data=" << absl::GetFlag(FLAGS_data) << " is no file with a JSON object\n";
    return false;
  }
  for (const std::string& alias : absl::GetFlag(FLAGS_product_aliases)) {
    request.add_product_applications()->mutable_product()->set_alias(alias);
  }
  request.set_request_id(absl::GetFlag(FLAGS_request_id));
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  example::ParseFlags(
      argc, argv,
      "creates a profile through passfort-gateway and prints it as JSON\n\n"
      "  create_profile --target=127.0.0.1:50051 --role=PROFILE_ROLE_INDIVIDUAL_CUSTOMER "
      "--data=FILE --product_aliases=forexo_basic");

  api::CreateProfileRequest request;
  if (!FillRequest(request)) return example::kWrongUsage;

  const auto channel = example::Connect();
  if (channel == nullptr) return example::kWrongUsage;
  const auto service = api::ProfileService::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       absl::ToChronoMilliseconds(absl::GetFlag(FLAGS_timeout)));

  api::CreateProfileResponse response;
  const grpc::Status status = service->CreateProfile(&context, request, &response);
  const example::Write write = {
      .object = "profile",
      .request_id = request.request_id(),
      .if_unknown = kIfUnknown,
      .if_unknown_for_good = kIfUnknownForGood,
      .if_unknown_without_request_id = "look for it in Passfort's portal before retrying."};
  if (!status.ok()) return example::Explain(status, write);
  example::PrintTrailers(context);
  example::PrintCreated(response.profile(), write);
  return example::kCreated;
}
