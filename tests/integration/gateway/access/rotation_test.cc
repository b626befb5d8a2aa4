// Certificates that are replaced again and again, with bad ones in between, while calls come on
// connections old and new: no call fails.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "tests/integration/gateway/access/access_fixture.h"
#include "tests/support/sanitizer.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;

constexpr int kRotations = kHasSanitizer ? 10 : 40;
// So many good sets come for each bad one.
constexpr int kGoodSetsPerBadSet = 4;
constexpr int kCallers = 4;
constexpr std::chrono::milliseconds kCallEvery{20};  // of each caller: 200 calls a second in all
constexpr int kCallsPerConnection = 5;
constexpr auto kBound = 30s;

// GATEWAY_ROTATIONS=1000 for the long run, which takes five minutes.
int Rotations() {
  const char* const wanted = getenv("GATEWAY_ROTATIONS");
  return wanted == nullptr ? kRotations : std::stoi(wanted);
}

using X509Pointer = std::unique_ptr<X509, decltype(&X509_free)>;

std::string SerialOf(X509* certificate) {
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
      ASN1_INTEGER_to_BN(X509_get_serialNumber(certificate), nullptr), &BN_free);
  char* const text = BN_bn2hex(number.get());
  const absl::Cleanup free_text = [text] { OPENSSL_free(text); };
  return text;
}

std::string SerialOfPem(std::string_view pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  const X509Pointer certificate(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr),
                                &X509_free);
  return certificate == nullptr ? "no certificate" : SerialOf(certificate.get());
}

// Looks at what the gateway serves to a new connection, without gRPC.
class ServedCertificate {
 public:
  ServedCertificate(std::string_view target, const TlsIdentity& caller)
      : port_(static_cast<uint16_t>(std::stoi(std::string(target.substr(target.rfind(':') + 1))))),
        context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free) {
    constexpr unsigned char kHttp2[] = {2, 'h', '2'};
    SSL_CTX_set_alpn_protos(context_.get(), kHttp2, sizeof kHttp2);
    const std::unique_ptr<BIO, decltype(&BIO_free)> key_text(
        BIO_new_mem_buf(caller.key_pem.data(), static_cast<int>(caller.key_pem.size())), &BIO_free);
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
    const std::unique_ptr<BIO, decltype(&BIO_free)> text(
        BIO_new_mem_buf(caller.certificate_pem.data(),
                        static_cast<int>(caller.certificate_pem.size())),
        &BIO_free);
    const X509Pointer certificate(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr),
                                  &X509_free);
    SSL_CTX_use_certificate(context_.get(), certificate.get());
    SSL_CTX_use_PrivateKey(context_.get(), key.get());
  }

  // Of the certificate; empty if the handshake fails, or the server does not begin HTTP/2 after it:
  // in TLS 1.3 that is how it says that it does not trust the client.
  std::string Serial() const {
    const int socket_number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const absl::Cleanup close_socket = [socket_number] { close(socket_number); };
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval bound = {.tv_sec = 10, .tv_usec = 0};
    setsockopt(socket_number, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
    if (connect(socket_number, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      return {};
    }
    const std::unique_ptr<SSL, decltype(&SSL_free)> connection(SSL_new(context_.get()), &SSL_free);
    SSL_set_fd(connection.get(), socket_number);
    char byte = 0;
    if (SSL_connect(connection.get()) != 1 || SSL_read(connection.get(), &byte, 1) != 1) return {};
    const X509Pointer certificate(SSL_get1_peer_certificate(connection.get()), &X509_free);
    return SerialOf(certificate.get());
  }

 private:
  const uint16_t port_;
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
};

// Reads an application on one connection.
class Reader {
 public:
  Reader(GatewayCaller caller, const std::string& application_id) : caller_(std::move(caller)) {
    request_.set_profile_id(kProfileId);
    request_.set_product_application_id(application_id);
  }

  struct Read {
    grpc::Status status;
    // Of the certificate with which the server began the connection.
    std::string serial;
  };
  Read Get() const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kBound);
    pb::GetProductApplicationResponse response;
    Read read;
    read.status = caller_.stub().GetProductApplication(&context, request_, &response);
    if (const auto peer = context.auth_context(); peer != nullptr) {
      for (const grpc::string_ref& pem : peer->FindPropertyValues("x509_pem_cert")) {
        read.serial = SerialOfPem({pem.data(), pem.size()});
      }
    }
    return read;
  }

 private:
  GatewayCaller caller_;
  pb::GetProductApplicationRequest request_;
};

// Calls the gateway at a steady rate while it exists, on one connection that stays and on others
// that are new every few calls.
class SteadyLoad {
 public:
  SteadyLoad(const MutualTlsFixture& fixture, const std::string& application_id)
      : fixture_(fixture), application_id_(application_id) {
    threads_.emplace_back([this] { CallOnOneConnection(); });
    while (threads_.size() < kCallers) {
      threads_.emplace_back([this] { CallOnNewConnections(); });
    }
  }
  ~SteadyLoad() { Stop(); }
  SteadyLoad(const SteadyLoad&) = delete;
  SteadyLoad& operator=(const SteadyLoad&) = delete;

  void Stop() {
    is_over_ = true;
    for (auto& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  int calls() const { return calls_; }
  int connections() const { return connections_; }
  // The rest once it has stopped.
  const std::vector<std::string>& failures() const { return failures_; }
  size_t certificates_seen() const { return serials_.size(); }
  // One for a connection that was never made anew.
  size_t certificates_of_the_one_that_stays() const { return serials_that_stay_.size(); }

 private:
  Reader Connect() {
    ++connections_;
    return Reader(fixture_.CallerWith(identity_), application_id_);
  }

  void CallOnOneConnection() {
    const Reader reader = Connect();
    while (!is_over_) CallInTime(reader, serials_that_stay_);
  }

  void CallOnNewConnections() {
    while (!is_over_) {
      const Reader reader = Connect();
      for (int i = 0; i < kCallsPerConnection && !is_over_; ++i) CallInTime(reader, serials_);
    }
  }

  void CallInTime(const Reader& reader, std::set<std::string>& serials) {
    const auto next = std::chrono::steady_clock::now() + kCallEvery;
    const Reader::Read read = reader.Get();
    ++calls_;
    {
      const std::lock_guard lock(mutex_);
      serials.insert(read.serial);
      if (!read.status.ok()) failures_.push_back(read.status.error_message());
    }
    std::this_thread::sleep_until(next);
  }

  const MutualTlsFixture& fixture_;
  const std::string application_id_;
  const TlsIdentity identity_ = fixture_.authority.IssueFor(CallerContent());
  std::atomic<bool> is_over_ = false;
  std::atomic<int> calls_ = 0;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  std::vector<std::string> failures_;        // guarded by mutex_
  std::set<std::string> serials_;            // guarded by mutex_
  std::set<std::string> serials_that_stay_;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

// What is wrong with the set that comes as the `number`th bad one.
void Spoil(MountedFiles::Contents& set, int number) {
  switch (number % 5) {
    case 0:
      set["tls.crt"] = "";
      return;
    case 1:
      set["tls.crt"] = "garbage";
      return;
    case 2:
      set["tls.key"] = TestAuthority().Issue({"127.0.0.1"}).key_pem;
      return;
    case 3:
      set.erase("tls.key");
      return;
    default:
      set["ca.crt"] = "";
  }
}

TEST(CertificateRotationTest, FailsNoCallHoweverOftenTheFilesChange) {
  MutualTlsFixture fixture;
  const std::string application =
      fixture.passfort.AddOtherwise(kProfileId, "forexo_basic", "", MadeBy::kPortalUser);
  // The gateway says so of each set, and the lines of the one before are forgotten by then.
  const auto change = [&fixture](const MountedFiles::Contents& set, std::string_view said) {
    fixture.gateway.TakeLogLines();
    fixture.certificates.Change(set);
    fixture.gateway.WaitForLogLine(said);
  };
  const auto begin = std::chrono::steady_clock::now();
  SteadyLoad load(fixture, application);

  const int rotations = Rotations();
  int bad_sets = 0;
  std::string newest;
  for (int i = 0; i < rotations; ++i) {
    auto set = fixture.GoodSet();
    newest = SerialOfPem(set["tls.crt"]);
    if (i % kGoodSetsPerBadSet == 0) {
      auto bad = set;
      Spoil(bad, bad_sets++);
      change(bad, "the set from before stays");
    }
    change(set, "in use\"");
  }

  // gRPC looks once a second. The load goes on until then.
  const ServedCertificate served(fixture.gateway.target(),
                                 fixture.authority.IssueFor(CallerContent()));
  int looks = 0;
  std::string serial;
  const auto end = std::chrono::steady_clock::now() + kBound;
  while (serial != newest && std::chrono::steady_clock::now() < end) {
    serial = served.Serial();
    ++looks;
    EXPECT_NE(serial, "") << "look " << looks << ": the handshake failed";
  }
  EXPECT_EQ(serial, newest);
  const double refused = fixture.gateway.Counter("passfort_gateway_tls_refused_sets_total", {});
  load.Stop();

  EXPECT_THAT(load.failures(), testing::IsEmpty());
  EXPECT_EQ(load.certificates_of_the_one_that_stays(), 1);
  EXPECT_GT(load.certificates_seen(), 1);
  EXPECT_GE(refused, bad_sets);
  // It is the process from the beginning that answered all of them.
  fixture.gateway.Signal(SIGTERM);
  EXPECT_EQ(fixture.gateway.WaitForExit(), 0);
  std::cout << rotations << " rotations and " << bad_sets << " bad sets in "
            << std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()
            << " s; " << load.calls() << " calls on " << load.connections() << " connections, "
            << load.failures().size() << " failed; " << load.certificates_seen()
            << " certificates served; " << looks << " raw handshakes\n";
}

}  // namespace
}  // namespace gateway
