#ifndef TESTS_INTEGRATION_RPC_STOCK_CLIENT_H_
#define TESTS_INTEGRATION_RPC_STOCK_CLIENT_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/integration/rpc/scripted_writer.h"

namespace gateway {

// A client that was built without our .proto files: it learns the services from server reflection,
// as grpcurl and buf curl do. (The reflection messages themselves it takes from gRPC's library.)
class StockClient {
 public:
  explicit StockClient(std::shared_ptr<grpc::Channel> channel)
      : channel_(std::move(channel)), stub_(channel_), learned_(&database_) {}

  // The full names of the services.
  std::vector<std::string> List() {
    const auto answer = Reflect("list_services: ''");
    const auto& list = SubMessage(*answer, "list_services_response");
    const auto* services = list.GetDescriptor()->FindFieldByName("service");
    std::vector<std::string> names;
    for (int i = 0; i < list.GetReflection()->FieldSize(list, services); ++i) {
      const auto& service = list.GetReflection()->GetRepeatedMessage(list, services, i);
      names.push_back(service.GetReflection()->GetString(
          service, service.GetDescriptor()->FindFieldByName("name")));
    }
    return names;
  }

  // Null if the server cannot describe it.
  const google::protobuf::ServiceDescriptor* Describe(const std::string& service) {
    const auto answer = Reflect(absl::StrCat("file_containing_symbol: '", service, "'"));
    LearnFiles(*answer);
    return learned_.FindServiceByName(service);
  }

  struct Result {
    grpc::Status status;
    std::string json;
    std::multimap<std::string, std::string> trailers;
  };

  // Calls a unary method that `Describe` has found.
  Result Call(const google::protobuf::MethodDescriptor& method, const std::string& json_request) {
    const auto request = New(method.input_type());
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json_request, request.get()).ok());
    grpc::ByteBuffer answer;
    Result result = CallPath(absl::StrCat("/", method.service()->full_name(), "/", method.name()),
                             ToBytes(*request), &answer);
    if (!result.status.ok()) return result;
    const auto response = New(method.output_type());
    FromBytes(answer, response.get());
    EXPECT_TRUE(google::protobuf::util::MessageToJsonString(*response, &result.json).ok());
    return result;
  }

  Result CallPath(const std::string& path, const grpc::ByteBuffer& request,
                  grpc::ByteBuffer* answer) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kTestBound);
    std::promise<grpc::Status> done;
    stub_.UnaryCall(&context, path, grpc::StubOptions(), &request, answer,
                    [&done](grpc::Status status) { done.set_value(std::move(status)); });
    Result result;
    result.status = done.get_future().get();
    for (const auto& [name, value] : context.GetServerTrailingMetadata()) {
      result.trailers.emplace(std::string(name.data(), name.size()),
                              std::string(value.data(), value.size()));
    }
    return result;
  }

 private:
  using Message = google::protobuf::Message;

  std::unique_ptr<Message> New(const google::protobuf::Descriptor* type) {
    return std::unique_ptr<Message>(messages_.GetPrototype(type)->New());
  }

  static const Message& SubMessage(const Message& message, const std::string& field) {
    return message.GetReflection()->GetMessage(message,
                                               message.GetDescriptor()->FindFieldByName(field));
  }

  static grpc::ByteBuffer ToBytes(const Message& message) {
    const grpc::Slice slice(message.SerializeAsString());
    return grpc::ByteBuffer(&slice, 1);
  }

  static void FromBytes(const grpc::ByteBuffer& bytes, Message* message) {
    grpc::Slice slice;
    EXPECT_TRUE(bytes.DumpToSingleSlice(&slice).ok());
    EXPECT_TRUE(message->ParseFromArray(slice.begin(), static_cast<int>(slice.size())));
  }

  // One question to the reflection service; `request` is in text format.
  std::unique_ptr<Message> Reflect(const std::string& request) {
    const auto* pool = google::protobuf::DescriptorPool::generated_pool();
    const auto question =
        New(pool->FindMessageTypeByName("grpc.reflection.v1alpha.ServerReflectionRequest"));
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(request, question.get()));
    grpc::ByteBuffer answer;
    const Result result = CallPath("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                   ToBytes(*question), &answer);
    EXPECT_TRUE(result.status.ok()) << result.status.error_message();
    auto response =
        New(pool->FindMessageTypeByName("grpc.reflection.v1alpha.ServerReflectionResponse"));
    FromBytes(answer, response.get());
    return response;
  }

  void LearnFiles(const Message& answer) {
    const auto& files = SubMessage(answer, "file_descriptor_response");
    const auto* field = files.GetDescriptor()->FindFieldByName("file_descriptor_proto");
    for (int i = 0; i < files.GetReflection()->FieldSize(files, field); ++i) {
      google::protobuf::FileDescriptorProto file;
      EXPECT_TRUE(file.ParseFromString(files.GetReflection()->GetRepeatedString(files, field, i)));
      google::protobuf::FileDescriptorProto known;
      if (!database_.FindFileByName(file.name(), &known)) database_.Add(file);
    }
  }

  std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
  google::protobuf::SimpleDescriptorDatabase database_;
  google::protobuf::DescriptorPool learned_;
  google::protobuf::DynamicMessageFactory messages_;
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_RPC_STOCK_CLIENT_H_
