// Adds a product application through the gateway and prints it as JSON.
//
//   add_product_application --target=127.0.0.1:50051 --product_alias=forexo_basic
//       --profile_id=f7d4e2f6-39b3-4a1c-9a67-0d6b4f0f3b0a
//
// What a caller has to get right is in `Explain` of gateway_call.cc: whether the application was
// definitely not created, or whether that is unknown.
// Exit codes: 0 created, 1 not created by this call, 2 unknown, 3 wrong usage.

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <iostream>
#include <string>

#include "absl/flags/flag.h"
#include "absl/time/time.h"
#include "examples/gateway_call.h"
#include "passfort/gateway/v1/product_application_service.grpc.pb.h"

ABSL_FLAG(std::string, profile_id, "", "the Passfort profile (a UUID)");
ABSL_FLAG(std::string, product_alias, "", "short name of the product, e.g. forexo_basic");
ABSL_FLAG(std::string, product_id, "", "id of the product (a UUID), instead of its alias");
ABSL_FLAG(std::string, associated_role, "",
          "role of a company's associate, e.g. ASSOCIATED_ROLE_DIRECTOR");
ABSL_FLAG(std::string, request_id, "",
          "names the intent, so that a retry of this call creates no second application");
ABSL_FLAG(absl::Duration, timeout, absl::Seconds(70),
          "how long to wait, at most 70s; Passfort itself may take 60s");

namespace {

// Not `pb`: newer versions of protobuf have a namespace of that name.
namespace api = ::passfort::gateway::v1;

bool FillRequest(api::AddProductApplicationRequest& request) {
  request.set_profile_id(absl::GetFlag(FLAGS_profile_id));
  request.mutable_product()->set_alias(absl::GetFlag(FLAGS_product_alias));
  request.mutable_product()->set_id(absl::GetFlag(FLAGS_product_id));
  request.set_request_id(absl::GetFlag(FLAGS_request_id));
  const std::string role_name = absl::GetFlag(FLAGS_associated_role);
  if (role_name.empty()) return true;
  api::AssociatedRole role;
  if (!api::AssociatedRole_Parse(role_name, &role)) {
    std::cerr << "--associated_role=" << role_name << " is no role of the contract\n";
    return false;
  }
  request.set_associated_role(role);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  example::ParseFlags(
      argc, argv,
      "adds a product application through passfort-gateway and prints it as JSON\n\n"
      "  add_product_application --target=127.0.0.1:50051 --profile_id=UUID "
      "--product_alias=forexo_basic");

  api::AddProductApplicationRequest request;
  if (!FillRequest(request)) return example::kWrongUsage;

  const auto channel = example::Connect();
  if (channel == nullptr) return example::kWrongUsage;
  const auto service = api::ProductApplicationService::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       absl::ToChronoMilliseconds(absl::GetFlag(FLAGS_timeout)));

  api::AddProductApplicationResponse response;
  const grpc::Status status = service->AddProductApplication(&context, request, &response);
  const example::Write write = {
      .object = "application",
      .request_id = request.request_id(),
      .if_unknown = "retry with the same --request_id, which is always safe.",
      .if_unknown_for_good = {},  // a profile's applications always show it in the end
      .if_unknown_without_request_id = "check the profile before retrying."};
  if (!status.ok()) return example::Explain(status, write);
  example::PrintTrailers(context);
  example::PrintCreated(response.product_application(), write);
  return example::kCreated;
}
