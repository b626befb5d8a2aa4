#include "tests/fake_passfort/fake_passfort.h"

#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace gateway {
namespace {

constexpr char kLoopback[] = "127.0.0.1";

[[noreturn]] void Die(const std::string& problem) {
  std::fprintf(stderr, "fake-passfort: %s\n", problem.c_str());
  std::abort();
}

}  // namespace

FakePassfort::FakePassfort(std::chrono::milliseconds delay)
    : backend_(std::string(kApiKey)), delay_(delay) {
  Start();
}

FakePassfort::~FakePassfort() {
  if (server_ != nullptr) GoAway();
}

std::string FakePassfort::url() const {
  return std::string("http://") + kLoopback + ":" + std::to_string(port()) + std::string(kApiRoot);
}

void FakePassfort::Script(Fault fault) {
  if (const std::string problem = fault.Problem(); !problem.empty()) Die("fault: " + problem);
  backend_.Script(std::move(fault));
}

void FakePassfort::Release() {
  if (server_ != nullptr) server_->Release();
}

std::string FakePassfort::AddOtherwise(std::string_view profile_id, std::string_view product_alias,
                                       std::string_view associated_role, MadeBy made_by) {
  const FakeProduct* const product = FindFakeProduct(product_alias, "");
  if (product == nullptr) Die("no product " + std::string(product_alias) + " in the catalogue");
  return backend_.AddOtherwise(profile_id, *product, associated_role, made_by);
}

void FakePassfort::GoAway() {
  server_->Stop();
  thread_.join();
  server_ = nullptr;
}

void FakePassfort::ComeBack() { Start(); }

void FakePassfort::Start() {
  server_ = std::make_unique<HttpServer>(backend_, delay_);
  if (const std::error_code failed = server_->Listen(kLoopback, port())) {
    Die("listen on " + std::string(kLoopback) + ": " + failed.message());
  }
  thread_ = std::thread([server = server_.get()] { server->Run(); });
}

}  // namespace gateway
