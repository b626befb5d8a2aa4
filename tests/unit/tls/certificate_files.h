#ifndef TESTS_UNIT_TLS_CERTIFICATE_FILES_H_
#define TESTS_UNIT_TLS_CERTIFICATE_FILES_H_

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "service/tls/certificate_set.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificates.h"

namespace gateway {

inline AlternativeName Dns(std::string name) {
  return {.kind = AlternativeName::Kind::kDns, .value = std::move(name)};
}
inline AlternativeName Uri(std::string uri) {
  return {.kind = AlternativeName::Kind::kUri, .value = std::move(uri)};
}
inline AlternativeName Email(std::string address) {
  return {.kind = AlternativeName::Kind::kEmail, .value = std::move(address)};
}
inline AlternativeName Ip(std::string address) {
  return {.kind = AlternativeName::Kind::kIp, .value = std::move(address)};
}

// What a server's certificate usually has.
inline CertificateContent ServerContent() {
  return {.names = {Dns("gateway.example")},
          .key_usage = "critical,digitalSignature",
          .extended_key_usage = "serverAuth,clientAuth"};
}

// The three files of a set, in a folder of their own.
class CertificateFiles {
 public:
  CertificatePaths paths() const {
    return {.cert_file = folder_.File("tls.crt"),
            .key_file = folder_.File("tls.key"),
            .client_ca_file = folder_.File("ca.crt")};
  }
  CertificatePaths paths_without_client_ca() const {
    CertificatePaths paths = this->paths();
    paths.client_ca_file.clear();
    return paths;
  }
  const std::string& folder() const { return folder_.path(); }

  void Write(const TlsIdentity& server, std::string_view client_ca_pem) const {
    WriteCertificate(server.certificate_pem);
    WriteKey(server.key_pem);
    WriteClientCa(client_ca_pem);
  }
  void WriteCertificate(std::string_view pem) const { Replace(paths().cert_file, pem); }
  void WriteKey(std::string_view pem) const { Replace(paths().key_file, pem); }
  void WriteClientCa(std::string_view pem) const { Replace(paths().client_ca_file, pem); }

 private:
  // As a careful program does it: a new file takes the old one's place at once.
  static void Replace(const std::string& path, std::string_view content) {
    const std::string next = path + ".next";
    std::ofstream(next, std::ios::binary | std::ios::trunc) << content;
    std::filesystem::rename(next, path);
  }

  TemporaryFolder folder_;
};

inline std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace gateway

#endif  // TESTS_UNIT_TLS_CERTIFICATE_FILES_H_
