// Adds a product application through the gateway and prints it as JSON.
//
//   add_product_application --target=127.0.0.1:50051 --product_alias=forexo_basic
//       --profile_id=f7d4e2f6-39b3-4a1c-9a67-0d6b4f0f3b0a
//
// What a caller has to get right is in `Explain`: whether the application was definitely not
// created, or whether that is unknown.
// Exit codes: 0 created, 1 not created by this call, 2 unknown, 3 wrong usage.

#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "passfort/gateway/v1/product_application_service.grpc.pb.h"
#include "passfort/gateway/v1/service_config.h"

ABSL_FLAG(std::string, target, "127.0.0.1:50051", "address of the gateway");
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

enum ExitCode { kCreated = 0, kNotCreated = 1, kUnknown = 2, kWrongUsage = 3 };

// The gateway's details of an error.
struct ErrorDetails {
  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad_request;
  google::rpc::RetryInfo retry;
};

// nullopt if the error did not come from the gateway.
std::optional<ErrorDetails> ReadDetails(const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return std::nullopt;
  ErrorDetails read;
  bool is_ours = false;
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&read.info)) is_ours = read.info.domain() == "passfort.gateway";
    std::ignore = detail.UnpackTo(&read.bad_request);
    std::ignore = detail.UnpackTo(&read.retry);
  }
  if (!is_ours) return std::nullopt;
  return read;
}

// Prints what the error means for the application and returns the exit code for it.
ExitCode Explain(const grpc::Status& status) {
  std::cerr << "code " << status.error_code() << ": " << status.error_message() << "\n";
  const auto details = ReadDetails(status);
  if (!details) {
    std::cerr << "This error did not come from the gateway, so the application may have been "
                 "created. With a --request_id it is safe to retry.\n";
    return kUnknown;
  }
  std::cerr << "reason: " << details->info.reason() << "\n";
  // In the order of the names: a map of protobuf has no order.
  const std::map<std::string, std::string> metadata(details->info.metadata().begin(),
                                                    details->info.metadata().end());
  for (const auto& [name, value] : metadata) {
    std::cerr << "  " << name << ": " << value << "\n";
  }
  for (const auto& violation : details->bad_request.field_violations()) {
    std::cerr << "  " << violation.field() << ": " << violation.description() << "\n";
  }
  if (status.error_code() == grpc::StatusCode::UNKNOWN) {
    const bool can_retry = metadata.contains("request_id");
    std::cerr << "It is unknown whether the application was created: "
              << (can_retry ? "retry with the same --request_id, which is always safe.\n"
                            : "check the profile before retrying.\n");
    return kUnknown;
  }
  // An error of this scope was decided before the record of the request_id was used.
  const bool only_this_call = !absl::GetFlag(FLAGS_request_id).empty() &&
                              metadata.contains("scope") && metadata.at("scope") == "CALL";
  std::cerr << (only_this_call ? "This call created nothing; an earlier one with the same "
                                 "--request_id may have created the application."
                               : "The application was not created.");
  if (details->retry.has_retry_delay()) {
    const auto& delay = details->retry.retry_delay();
    std::cerr << " Try again in "
              << absl::Seconds(delay.seconds()) + absl::Nanoseconds(delay.nanos()) << " or later.";
  }
  std::cerr << "\n";
  return kNotCreated;
}

// How the application became known, if not by this call alone, and what else the gateway reports
// beside its reply.
void PrintTrailers(const grpc::ClientContext& context) {
  for (const auto& [name, value] : context.GetServerTrailingMetadata()) {
    if (!name.starts_with("gateway-")) continue;
    std::cerr << std::string_view(name.data(), name.size()) << ": "
              << std::string_view(value.data(), value.size()) << "\n";
  }
}

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
  absl::SetProgramUsageMessage(
      "adds a product application through passfort-gateway and prints it as JSON\n\n"
      "  add_product_application --target=127.0.0.1:50051 --profile_id=UUID "
      "--product_alias=forexo_basic");
  absl::FlagsUsageConfig usage;
  usage.contains_help_flags = [](absl::string_view file) {
    return file.find("add_product_application") != absl::string_view::npos;
  };
  absl::SetFlagsUsageConfig(usage);
  absl::ParseCommandLine(argc, argv);

  api::AddProductApplicationRequest request;
  if (!FillRequest(request)) return kWrongUsage;

  // All replicas that the target's name stands for, and none that is stopping.
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(api::kServiceConfig);
  const auto channel = grpc::CreateCustomChannel(absl::GetFlag(FLAGS_target),
                                                 grpc::InsecureChannelCredentials(), arguments);
  const auto service = api::ProductApplicationService::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       absl::ToChronoMilliseconds(absl::GetFlag(FLAGS_timeout)));

  api::AddProductApplicationResponse response;
  const grpc::Status status = service->AddProductApplication(&context, request, &response);
  if (!status.ok()) return Explain(status);
  PrintTrailers(context);

  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  if (const auto printed = google::protobuf::util::MessageToJsonString(
          response.product_application(), &json, options);
      !printed.ok()) {
    std::cerr << "The application " << response.product_application().id()
              << " was created; it cannot be printed: " << printed.ToString() << "\n";
    return kCreated;
  }
  std::cout << json;
  return kCreated;
}
