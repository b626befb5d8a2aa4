#include "service/http/trust_store.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

constexpr std::string_view kCertificateStart = "-----BEGIN CERTIFICATE-----";

std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

bool WriteAll(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

absl::StatusOr<TrustStore> TrustStore::Load(const std::string& system_file,
                                            const std::string& further_file) {
  const auto system = ReadFile(system_file);
  if (further_file.empty()) return TrustStore(system.has_value() ? system_file : "", -1);

  const auto further = ReadFile(further_file);
  if (!further.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("read the CA file ", further_file, ": ", std::strerror(errno)));
  }
  if (further->find(kCertificateStart) == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("read the CA file ", further_file, ": no PEM certificate in it"));
  }
  const int descriptor = memfd_create("trusted-certificates", MFD_CLOEXEC);
  if (descriptor < 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("join the trusted certificates: ", std::strerror(errno)));
  }
  TrustStore store(absl::StrCat("/proc/self/fd/", descriptor), descriptor);
  if (!WriteAll(descriptor, absl::StrCat(*further, "\n", system.value_or("")))) {
    return absl::ResourceExhaustedError(
        absl::StrCat("join the trusted certificates: ", std::strerror(errno)));
  }
  return store;
}

TrustStore::TrustStore(std::string path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {}

TrustStore::TrustStore(TrustStore&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

TrustStore::~TrustStore() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace gateway
