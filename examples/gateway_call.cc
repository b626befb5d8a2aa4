#include "examples/gateway_call.h"

#include <google/protobuf/util/json_util.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "passfort/gateway/v1/service_config.h"

ABSL_FLAG(std::string, target, "127.0.0.1:50051", "address of the gateway");
ABSL_FLAG(
    std::string, ca_file, "",
    "authorities that vouch for the gateway, as PEM; without them the call goes in plain text");
ABSL_FLAG(std::string, cert_file, "",
          "certificate by which the gateway knows the caller, as PEM; needs ca_file and key_file");
ABSL_FLAG(std::string, key_file, "", "private key of the certificate, as PEM");

namespace example {
namespace {

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

void PrintDetails(const ErrorDetails& details) {
  std::cerr << "reason: " << details.info.reason() << "\n";
  // In the order of the names: a map of protobuf has no order.
  const std::map<std::string, std::string> metadata(details.info.metadata().begin(),
                                                    details.info.metadata().end());
  for (const auto& [name, value] : metadata) {
    std::cerr << "  " << name << ": " << value << "\n";
  }
  for (const auto& violation : details.bad_request.field_violations()) {
    std::cerr << "  " << violation.field() << ": " << violation.description() << "\n";
  }
}

void PrintNotCreated(const ErrorDetails& details, const Write& write) {
  // An error of this scope was decided before the record of the request_id was used.
  const auto scope = details.info.metadata().find("scope");
  const bool only_this_call = !write.request_id.empty() && scope != details.info.metadata().end() &&
                              scope->second == "CALL";
  if (only_this_call) {
    std::cerr << "This call created nothing; an earlier one with the same --request_id may have "
                 "created the "
              << write.object << ".";
  } else {
    std::cerr << "The " << write.object << " was not created.";
  }
  if (details.retry.has_retry_delay()) {
    const auto& delay = details.retry.retry_delay();
    std::cerr << " Try again in "
              << absl::Seconds(delay.seconds()) + absl::Nanoseconds(delay.nanos()) << " or later.";
  }
  std::cerr << "\n";
}

// False, and a message, if there is nothing to be read. A path that is empty is no file.
bool ReadPem(const std::string& path, std::string& pem) {
  if (path.empty()) return true;
  std::ifstream file(path);
  pem.assign(std::istreambuf_iterator<char>(file), {});
  if (pem.empty()) std::cerr << path << " cannot be read\n";
  return !pem.empty();
}

std::shared_ptr<grpc::ChannelCredentials> Credentials() {
  const bool has_certificate = !absl::GetFlag(FLAGS_cert_file).empty();
  const bool has_ca = !absl::GetFlag(FLAGS_ca_file).empty();
  if (has_certificate == absl::GetFlag(FLAGS_key_file).empty() || (has_certificate && !has_ca)) {
    std::cerr << "--cert_file and --key_file belong together, and need --ca_file\n";
    return nullptr;
  }
  if (!has_ca) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions tls;
  if (!ReadPem(absl::GetFlag(FLAGS_ca_file), tls.pem_root_certs) ||
      !ReadPem(absl::GetFlag(FLAGS_cert_file), tls.pem_cert_chain) ||
      !ReadPem(absl::GetFlag(FLAGS_key_file), tls.pem_private_key)) {
    return nullptr;
  }
  return grpc::SslCredentials(tls);
}

}  // namespace

void ParseFlags(int argc, char** argv, std::string_view usage) {
  absl::SetProgramUsageMessage(absl::string_view(usage.data(), usage.size()));
  absl::FlagsUsageConfig shown;
  shown.contains_help_flags = [](absl::string_view file) {
    return file.find("examples/") != absl::string_view::npos;
  };
  absl::SetFlagsUsageConfig(shown);
  absl::ParseCommandLine(argc, argv);
}

std::shared_ptr<grpc::Channel> Connect() {
  const auto credentials = Credentials();
  if (credentials == nullptr) return nullptr;
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(passfort::gateway::v1::kServiceConfig);
  return grpc::CreateCustomChannel(absl::GetFlag(FLAGS_target), credentials, arguments);
}

ExitCode Explain(const grpc::Status& status, const Write& write) {
  std::cerr << "code " << status.error_code() << ": " << status.error_message() << "\n";
  const auto details = ReadDetails(status);
  if (!details) {
    std::cerr << "This error did not come from the gateway, so the " << write.object
              << " may have been created. With a --request_id it is safe to retry.\n";
    return kUnknown;
  }
  PrintDetails(*details);
  if (status.error_code() == grpc::StatusCode::UNKNOWN) {
    const auto& metadata = details->info.metadata();
    const bool can_retry = metadata.contains("request_id");
    const std::string_view advice = !can_retry ? write.if_unknown_without_request_id
                                    : metadata.contains("final") ? write.if_unknown_for_good
                                                                 : write.if_unknown;
    std::cerr << "It is unknown whether the " << write.object << " was created: " << advice << "\n";
    return kUnknown;
  }
  PrintNotCreated(*details, write);
  return kNotCreated;
}

void PrintTrailers(const grpc::ClientContext& context) {
  for (const auto& [name, value] : context.GetServerTrailingMetadata()) {
    if (!name.starts_with("gateway-")) continue;
    std::cerr << std::string_view(name.data(), name.size()) << ": "
              << std::string_view(value.data(), value.size()) << "\n";
  }
}

void PrintCreated(const google::protobuf::Message& created, const Write& write) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  if (const auto printed = google::protobuf::util::MessageToJsonString(created, &json, options);
      !printed.ok()) {
    std::cerr << "The " << write.object
              << " was created; it cannot be printed: " << printed.ToString() << "\n";
    return;
  }
  std::cout << json;
}

}  // namespace example
