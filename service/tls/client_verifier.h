#ifndef SERVICE_TLS_CLIENT_VERIFIER_H_
#define SERVICE_TLS_CLIENT_VERIFIER_H_

#include <openssl/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace gateway {

// A caller's certificate that is trusted.
struct VerifiedClient {
  std::string principal;   // see PrincipalOf
  absl::Time valid_until;  // the first end in its chain, the authority's included

  friend bool operator==(const VerifiedClient&, const VerifiedClient&) = default;
};

// Says for each call whether its caller's certificate is still trusted. TLS asks that only at the
// handshake, so a connection would outlive both its certificate and the authority that was removed
// from the bundle because its key was stolen.
//
// Each bundle is a generation. Within one a certificate is verified once, and what came of it is
// kept: for a trusted one until it or its chain ends, for a refused one kRefusalLifetime, since a
// clock that was wrong may be right by then. The cache has kMaxKept places, and the certificate
// that was verified first leaves it first. A caller with more certificates than that costs
// verifications, not memory. Thread-safe.
class ClientVerifier {
 public:
  static constexpr size_t kMaxKept = 4096;
  static constexpr absl::Duration kRefusalLifetime = absl::Minutes(1);
  // Of the certificate, and of its chain: TLS in OpenSSL takes no larger ones.
  static constexpr size_t kMaxPemBytes = 256 * 1024;

  // Refuses everybody until there is a bundle. `trust_domain` as for PrincipalOf.
  explicit ClientVerifier(std::string trust_domain);
  ~ClientVerifier();
  ClientVerifier(const ClientVerifier&) = delete;
  ClientVerifier& operator=(const ClientVerifier&) = delete;

  // Trusts these authorities and nobody else from now on. The same text again changes nothing.
  // InvalidArgument, and no change, if it has no certificate or a broken one.
  absl::Status SetBundle(std::string_view pem);

  // `leaf_pem` is the caller's certificate, `chain_pem` what came with it: certificates that may
  // lead to an authority, none at all, or the caller's own again. Give the same bytes for each call
  // of a connection, because the cache goes by them. Unauthenticated with the reason if it is not
  // trusted, is no client's, is past its end, or has no principal.
  absl::StatusOr<VerifiedClient> Verify(std::string_view leaf_pem, std::string_view chain_pem,
                                        absl::Time now);

  // How often a certificate was verified rather than looked up, how many are kept, and how many
  // bundles there were.
  uint64_t verifications() const;
  size_t kept() const;
  uint64_t generation() const;

 private:
  // What calls that verify share with the verifier, which may get another one meanwhile.
  struct Bundle;
  struct Entry {
    absl::StatusOr<VerifiedClient> result;
    absl::Time use_until;
    std::string refused_chain_digest;  // of the chain that came with a refused certificate
  };
  struct Known {
    std::shared_ptr<const Bundle> bundle;
    std::optional<Entry> entry;
  };

  Known Find(const std::string& digest, absl::Time now) const;
  void Keep(const std::string& digest, Entry entry, const Bundle& bundle);

  const std::string trust_domain_;
  mutable std::mutex mutex_;
  // All of these are guarded by mutex_.
  std::shared_ptr<const Bundle> bundle_;  // null before the first
  uint64_t generation_ = 0;
  uint64_t verifications_ = 0;
  absl::flat_hash_map<std::string, Entry> entries_;  // by the digest of the certificate
  std::vector<std::string> order_;                   // a ring of the keys, as they came
  size_t oldest_ = 0;                                // in order_, once it is full
};

}  // namespace gateway

#endif  // SERVICE_TLS_CLIENT_VERIFIER_H_
