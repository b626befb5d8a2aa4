#include "service/http/trust_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/fakes/temporary_file.h"

namespace gateway {
namespace {

using testing::HasSubstr;

constexpr char kSystem[] = "-----BEGIN CERTIFICATE-----\nsystem\n-----END CERTIFICATE-----\n";
// Without a line break at its end, as editors leave them.
constexpr char kFurther[] = "-----BEGIN CERTIFICATE-----\nfurther\n-----END CERTIFICATE-----";

std::string Read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(TrustStoreTest, IsTheSystemsFileWhenThereIsNoOther) {
  const TemporaryFile system(kSystem);
  const auto store = TrustStore::Load(system.path(), "");
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(store->path(), system.path());
}

TEST(TrustStoreTest, HoldsTheSystemsCertificatesAndTheFurtherOnes) {
  const TemporaryFile system(kSystem);
  const TemporaryFile further(kFurther);
  const auto store = TrustStore::Load(system.path(), further.path());
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(Read(store->path()), std::string(kFurther) + "\n" + kSystem);
  EXPECT_EQ(Read(store->path()), std::string(kFurther) + "\n" + kSystem) << "read again";
}

TEST(TrustStoreTest, DoesWithoutTheSystemsFile) {
  const TemporaryFile further(kFurther);
  const auto store = TrustStore::Load("/nowhere/ca.crt", further.path());
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(Read(store->path()), std::string(kFurther) + "\n");
  EXPECT_EQ(TrustStore::Load("/nowhere/ca.crt", "")->path(), "");
}

TEST(TrustStoreTest, NamesAFileThatCannotBeUsed) {
  const TemporaryFile system(kSystem);
  const auto missing = TrustStore::Load(system.path(), "/nowhere/further.pem");
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("/nowhere/further.pem"));

  const TemporaryFile no_certificate("key");
  const auto useless = TrustStore::Load(system.path(), no_certificate.path());
  EXPECT_EQ(useless.status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace gateway
