#include "tests/benchmark/peer_server.h"

#include <csignal>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "service/passfort/mapping/product_application_json.h"

namespace gateway::benchmark {

std::optional<pb::ProductApplication> ProductApplicationInFile(const std::string& path) {
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return ReadProductApplication(text);
}

int ServeUntilSignal(grpc::ServerBuilder& builder, grpc::Service& service,
                     const AnsweredCalls& answered) {
  // Blocked before gRPC starts its threads, which inherit the mask: sigwait is then the only taker.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    std::cerr << "cannot listen on a port of 127.0.0.1\n";
    return 1;
  }
  std::cout << R"({"message":"serving","listen":"127.0.0.1:)" << port << "\"}\n" << std::flush;

  int signal = 0;
  sigwait(&signals, &signal);
  server->Shutdown();
  std::cout << R"({"message":"stopped","answered":)" << answered.load() << "}\n" << std::flush;
  return 0;
}

}  // namespace gateway::benchmark
