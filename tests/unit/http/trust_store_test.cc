#include "service/http/trust_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/temporary_file.h"
#include "tests/support/test_certificates.h"

namespace gateway {
namespace {

using testing::HasSubstr;

class TrustStoreTest : public testing::Test {
 protected:
  const TestAuthority system_authority_;
  const TestAuthority further_authority_;
  const TemporaryFile system_{system_authority_.certificate_pem()};
  const TemporaryFile further_{further_authority_.certificate_pem()};
};

TEST_F(TrustStoreTest, HoldsTheSystemsCertificates) {
  const auto store = TrustStore::Load(system_.path(), "");
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(store->size(), 1);
}

TEST_F(TrustStoreTest, HoldsTheFurtherOnesTooWhateverElseStandsInTheirFile) {
  const TemporaryFile further("Our authorities\n" + further_authority_.certificate_pem() + "\n" +
                              TestAuthority().certificate_pem());
  const auto store = TrustStore::Load(system_.path(), further.path());
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(store->size(), 3);
}

TEST_F(TrustStoreTest, DoesWithoutTheSystemsFile) {
  const auto store = TrustStore::Load("/nowhere/ca.crt", further_.path());
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(store->size(), 1);
  EXPECT_EQ(TrustStore::Load("/nowhere/ca.crt", "")->size(), 0);
  const TemporaryFile empty("");
  EXPECT_EQ(TrustStore::Load(empty.path(), "")->size(), 0);
}

TEST_F(TrustStoreTest, NamesAFileThatCannotBeUsed) {
  const auto missing = TrustStore::Load(system_.path(), "/nowhere/further.pem");
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("/nowhere/further.pem"));

  const TemporaryFile no_certificate("key");
  const auto useless = TrustStore::Load(system_.path(), no_certificate.path());
  EXPECT_EQ(useless.status().code(), absl::StatusCode::kInvalidArgument);

  const TemporaryFile broken(further_authority_.certificate_pem() +
                             "-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n");
  for (const auto& store : {TrustStore::Load(system_.path(), broken.path()),
                            TrustStore::Load(broken.path(), further_.path())}) {
    EXPECT_EQ(store.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(store.status().message()), HasSubstr(broken.path()));
  }
}

}  // namespace
}  // namespace gateway
