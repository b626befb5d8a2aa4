#include "service/tls/client_verifier.h"

#include <openssl/safestack.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/base/sha256.h"
#include "service/tls/peer_identity.h"
#include "service/tls/x509.h"

namespace gateway {
namespace {

// Of issuers between a certificate and its authority.
constexpr int kMaxDepth = 10;
// What Debian's OpenSSL asks of the signatures in a handshake: none by SHA-1.
constexpr int kSecurityLevel = 2;

struct FreeContext {
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
};
struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using ContextPtr = std::unique_ptr<X509_STORE_CTX, FreeContext>;
using StackPtr = std::unique_ptr<STACK_OF(X509), FreeStack>;

absl::Status Refused(const std::string& why) {
  return absl::UnauthenticatedError(absl::StrCat("the caller's certificate is refused: ", why));
}

// Borrows the certificates.
StackPtr StackOf(const std::vector<X509Ptr>& certificates) {
  StackPtr stack(sk_X509_new_null());
  for (const X509Ptr& certificate : certificates) sk_X509_push(stack.get(), certificate.get());
  return stack;
}

absl::StatusOr<absl::Time> FirstEnd(const STACK_OF(X509) * chain) {
  absl::Time first = absl::InfiniteFuture();
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const auto end = NotAfter(*sk_X509_value(chain, i));
    if (!end.ok()) return Refused(std::string(end.status().message()));
    first = std::min(first, *end);
  }
  return first;
}

// The moment until which the chain from `leaf` to an authority of `store` is valid.
absl::StatusOr<absl::Time> VerifyChain(X509_STORE* store, X509* leaf, STACK_OF(X509) * issuers,
                                       absl::Time now) {
  const ContextPtr context(X509_STORE_CTX_new());
  if (context == nullptr || X509_STORE_CTX_init(context.get(), store, leaf, issuers) != 1 ||
      X509_STORE_CTX_set_default(context.get(), "ssl_client") != 1) {
    return Refused(TakeOpenSslError());
  }
  X509_VERIFY_PARAM* const parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, absl::ToTimeT(now));
  X509_VERIFY_PARAM_set_depth(parameters, kMaxDepth);
  X509_VERIFY_PARAM_set_auth_level(parameters, kSecurityLevel);
  const bool is_trusted = X509_verify_cert(context.get()) == 1;
  TakeOpenSslError();
  if (!is_trusted) {
    return Refused(X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
  }
  return FirstEnd(X509_STORE_CTX_get0_chain(context.get()));
}

absl::StatusOr<VerifiedClient> VerifyAnew(X509_STORE* store, std::string_view leaf_pem,
                                          std::string_view chain_pem, std::string_view trust_domain,
                                          absl::Time now) {
  const auto leaf = ReadCertificates(leaf_pem);
  if (!leaf.ok()) return Refused(std::string(leaf.status().message()));
  if (leaf->size() != 1) return Refused("there is more than one");
  std::vector<X509Ptr> issuers;
  if (!chain_pem.empty()) {
    auto chain = ReadCertificates(chain_pem);
    if (!chain.ok()) return Refused(absl::StrCat("its chain: ", chain.status().message()));
    issuers = *std::move(chain);
  }
  const auto end = VerifyChain(store, leaf->front().get(), StackOf(issuers).get(), now);
  if (!end.ok()) return end.status();
  auto principal = PrincipalOf(*leaf->front(), trust_domain);
  if (!principal.ok()) return Refused(std::string(principal.status().message()));
  return VerifiedClient{.principal = *std::move(principal), .valid_until = *end};
}

}  // namespace

struct ClientVerifier::Bundle {
  std::string pem;
  X509StorePtr store;
};

ClientVerifier::ClientVerifier(std::string trust_domain) : trust_domain_(std::move(trust_domain)) {}

ClientVerifier::~ClientVerifier() = default;

absl::Status ClientVerifier::SetBundle(std::string_view pem) {
  const auto authorities = ReadCertificates(pem);
  if (!authorities.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the callers' authorities: ", authorities.status().message()));
  }
  auto bundle = std::make_shared<Bundle>();
  bundle->pem = std::string(pem);
  bundle->store.reset(X509_STORE_new());
  // As gRPC does at the handshake: an intermediate authority is trusted without the one above it.
  X509_STORE_set_flags(bundle->store.get(), X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
  for (const X509Ptr& authority : *authorities) {
    X509_STORE_add_cert(bundle->store.get(), authority.get());
  }
  const std::lock_guard lock(mutex_);
  if (bundle_ != nullptr && bundle_->pem == pem) return absl::OkStatus();
  bundle_ = std::move(bundle);
  ++generation_;
  entries_.clear();
  order_.clear();
  oldest_ = 0;
  return absl::OkStatus();
}

absl::StatusOr<VerifiedClient> ClientVerifier::Verify(std::string_view leaf_pem,
                                                      std::string_view chain_pem, absl::Time now) {
  if (leaf_pem.size() > kMaxPemBytes || chain_pem.size() > kMaxPemBytes) {
    return Refused("it or its chain is too large");
  }
  const std::string digest = Sha256(leaf_pem);
  Known known = Find(digest, now);
  // Another chain may lead to an authority where the refused one did not.
  if (known.entry.has_value() &&
      (known.entry->result.ok() || known.entry->refused_chain_digest == Sha256(chain_pem))) {
    return std::move(known.entry->result);
  }
  if (known.bundle == nullptr) return Refused("there is no authority yet that it could be from");

  // Without the lock, so that others do not wait. Two calls at once may both verify.
  auto result = VerifyAnew(known.bundle->store.get(), leaf_pem, chain_pem, trust_domain_, now);
  Entry entry{.result = result,
              .use_until = result.ok() ? result->valid_until : now + kRefusalLifetime};
  if (!result.ok()) entry.refused_chain_digest = Sha256(chain_pem);
  Keep(digest, std::move(entry), *known.bundle);
  return result;
}

ClientVerifier::Known ClientVerifier::Find(const std::string& digest, absl::Time now) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(digest);
  // Past its end it is verified again: another way to an authority may last longer.
  if (found == entries_.end() || now >= found->second.use_until) return {.bundle = bundle_};
  return {.bundle = bundle_, .entry = found->second};
}

void ClientVerifier::Keep(const std::string& digest, Entry entry, const Bundle& bundle) {
  const std::lock_guard lock(mutex_);
  ++verifications_;
  // The answer of an older generation must not outlive it.
  if (bundle_.get() != &bundle) return;
  const auto [place, is_new] = entries_.insert_or_assign(digest, std::move(entry));
  if (!is_new) return;
  if (order_.size() < kMaxKept) {
    order_.push_back(digest);
    return;
  }
  entries_.erase(std::exchange(order_[oldest_], digest));
  oldest_ = (oldest_ + 1) % kMaxKept;
}

uint64_t ClientVerifier::verifications() const {
  const std::lock_guard lock(mutex_);
  return verifications_;
}

size_t ClientVerifier::kept() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

uint64_t ClientVerifier::generation() const {
  const std::lock_guard lock(mutex_);
  return generation_;
}

}  // namespace gateway
