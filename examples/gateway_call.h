#ifndef EXAMPLES_GATEWAY_CALL_H_
#define EXAMPLES_GATEWAY_CALL_H_

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string_view>

namespace example {

enum ExitCode { kCreated = 0, kNotCreated = 1, kUnknown = 2, kWrongUsage = 3 };

// What a call creates, in the words for its caller.
struct Write {
  std::string_view object;  // "application"
  std::string_view request_id;
  // What to do if the gateway does not know whether it was created.
  std::string_view if_unknown;                     // with a request_id
  std::string_view if_unknown_for_good;            // with one, and no retry will ever find out
  std::string_view if_unknown_without_request_id;  // the caller cannot just retry
};

// Reads the flags: the program's own, and those that say where the gateway is and how to reach it.
// Ends the program for --help and for what is no flag.
void ParseFlags(int argc, char** argv, std::string_view usage);

// All replicas that the name in --target stands for, and none that is stopping. Over TLS if there
// is a --ca_file, with the caller's certificate if there is a --cert_file. Nullptr, and a message,
// for a file that cannot be read or one that is missing.
//
// The files are read once. A service that lives longer than its certificate connects anew when they
// have changed.
std::shared_ptr<grpc::Channel> Connect();

// Prints what the error means for the object and returns the exit code for it.
ExitCode Explain(const grpc::Status& status, const Write& write);

// Prints how the object became known, if not by this call alone, and what else the gateway reports
// beside its reply.
void PrintTrailers(const grpc::ClientContext& context);

// Prints what was created, as JSON.
void PrintCreated(const google::protobuf::Message& created, const Write& write);

}  // namespace example

#endif  // EXAMPLES_GATEWAY_CALL_H_
