#include "service/rpc/access/served_methods.h"

#include <google/protobuf/descriptor.h>

#include <string_view>

#include "absl/strings/str_cat.h"
#include "service/rpc/operations_service.h"
#include "service/rpc/product_application_service.h"
#include "service/rpc/profile_service.h"

namespace gateway {
namespace {

// gRPC does not let a program see the descriptors of all of them.
constexpr std::string_view kOfGrpc[] = {
    "/grpc.channelz.v1.Channelz/GetChannel",
    "/grpc.channelz.v1.Channelz/GetServer",
    "/grpc.channelz.v1.Channelz/GetServerSockets",
    "/grpc.channelz.v1.Channelz/GetServers",
    "/grpc.channelz.v1.Channelz/GetSocket",
    "/grpc.channelz.v1.Channelz/GetSubchannel",
    "/grpc.channelz.v1.Channelz/GetTopChannels",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
};

}  // namespace

std::vector<std::string> ServedMethods() {
  std::vector<std::string> methods;
  // By a message of each file: a descriptor that nothing refers to is not linked in.
  for (const auto* const file : {pb::AddProductApplicationRequest::descriptor()->file(),
                                 pb::GetProfileRequest::descriptor()->file(),
                                 operations_pb::GetRequestRequest::descriptor()->file()}) {
    const auto* const service = file->service(0);
    for (int i = 0; i < service->method_count(); ++i) {
      // Not with +: newer versions of protobuf give the names as views.
      methods.push_back(absl::StrCat("/", service->full_name(), "/", service->method(i)->name()));
    }
  }
  methods.insert(methods.end(), std::begin(kOfGrpc), std::end(kOfGrpc));
  return methods;
}

}  // namespace gateway
