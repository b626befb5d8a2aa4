// What an entry of the callers file says about a call.

#include "service/rpc/access/caller_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/rpc/expected_errors.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::FieldsAre;
using ::testing::IsEmpty;

constexpr char kPath[] = "/passfort.gateway.v1.ProductApplicationService/AddProductApplication";
constexpr char kListedId[] = "bbbbbbbb-0000-11ec-9621-0242ac130002";
constexpr char kListedIdInCapitals[] = "BBBBBBBB-0000-11EC-9621-0242AC130002";
constexpr char kOtherId[] = "cccccccc-0000-11ec-9621-0242ac130002";
const SteadyTime kNow = SteadyTime() + std::chrono::hours(1);

CallerEntry AnEntry() { return {.name = "onboarding", .usage = std::make_shared<CallerUsage>()}; }

// A caller that may have applications for one product, by its alias or its id.
AdmittedCaller ACaller() {
  CallerEntry entry = AnEntry();
  entry.products = {"forexo_basic", kListedId};
  return {.identity = {.name = "onboarding", .principal = "spiffe://example.org/sa/desk"},
          .entry = std::make_shared<const CallerEntry>(std::move(entry))};
}

// Where the request names a product that `caller` may have none for; empty if it names none.
std::string FieldRefused(const std::vector<RequestedProduct>& products,
                         const AdmittedCaller& caller = ACaller()) {
  const auto refusal = CheckProducts(caller, kPath, products, "order-1");
  if (!refusal.has_value()) return "";
  EXPECT_EQ(refusal->reason, "CALLER_NOT_ALLOWED");
  return DetailOf<google::rpc::ErrorInfo>(refusal->status).metadata().at("field");
}

std::string FieldRefused(const std::string& alias, const std::string& id) {
  return FieldRefused({{.field = "product", .alias = alias, .id = id}});
}

TEST(CheckRateTest, LetsCallsThroughThatAreNotCounted) {
  const CallerEntry entry = AnEntry();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(CheckRate(entry, kNow).has_value());
}

// A client that waits as long as it is told is let in; one that comes a moment earlier is not.
TEST(CheckRateTest, StatesTheDelayThatIsJustLongEnough) {
  CallerEntry entry = AnEntry();
  entry.calls_per_minute = 7;
  for (int i = 0; i < 7; ++i) ASSERT_FALSE(CheckRate(entry, kNow).has_value());

  const auto refusal = CheckRate(entry, kNow);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->reason, "CALLER_RATE_REACHED");
  const auto retry = DetailOf<google::rpc::RetryInfo>(refusal->status).retry_delay();
  const auto delay =
      std::chrono::seconds(retry.seconds()) + std::chrono::nanoseconds(retry.nanos());
  EXPECT_TRUE(CheckRate(entry, kNow + delay - Milliseconds(1)).has_value());
  EXPECT_FALSE(CheckRate(entry, kNow + delay).has_value());
  EXPECT_TRUE(CheckRate(entry, kNow + delay).has_value());
}

TEST(CheckRequestIdGivenTest, IsAskedOfWhoNeedsOneOnly) {
  CallerEntry entry = AnEntry();
  EXPECT_FALSE(CheckRequestIdGiven(entry, "").has_value());
  entry.needs_request_id = true;
  EXPECT_FALSE(CheckRequestIdGiven(entry, "order-1").has_value());

  const auto refusal = CheckRequestIdGiven(entry, "");
  ASSERT_TRUE(refusal.has_value());
  ExpectError(*refusal, grpc::StatusCode::INVALID_ARGUMENT,
              "invalid request, nothing was sent: request_id is required of this caller for "
              "writes.",
              ExpectedInfo("INVALID_REQUEST", {{"phase", "NOT_SENT"}}) +
                  "details { [type.googleapis.com/google.rpc.BadRequest] { field_violations {"
                  "  field: 'request_id' description: 'is required of this caller for writes' "
                  "} } }");
}

TEST(CheckProductsTest, EachNameOfAProductHasToBeListed) {
  EXPECT_EQ(FieldRefused("forexo_basic", ""), "");
  EXPECT_EQ(FieldRefused("", kListedId), "");
  EXPECT_EQ(FieldRefused("forexo_basic", kListedIdInCapitals), "");
  EXPECT_EQ(FieldRefused("forexo_gold", ""), "product.alias");
  EXPECT_EQ(FieldRefused("", kOtherId), "product.id");
  EXPECT_EQ(FieldRefused("forexo_basic", kOtherId), "product.id");
  EXPECT_EQ(FieldRefused("forexo_gold", kListedId), "product.alias");
}

TEST(CheckProductsTest, LooksAtEveryProduct) {
  EXPECT_EQ(FieldRefused({{.field = "product_applications[0].product", .alias = "forexo_basic"},
                          {.field = "product_applications[1].product", .id = kListedId},
                          {.field = "product_applications[2].product", .id = kOtherId}}),
            "product_applications[2].product.id");
}

TEST(CheckProductsTest, AnythingIsAllowedWithoutAList) {
  const AdmittedCaller caller = {.entry = std::make_shared<const CallerEntry>(AnEntry())};
  EXPECT_EQ(FieldRefused({{.field = "product", .alias = "forexo_gold", .id = kOtherId}}, caller),
            "");
}

TEST(CheckProductsTest, SaysWhereButNotWhich) {
  const auto refusal = CheckProducts(
      ACaller(), kPath, {{.field = "product", .alias = "forexo_gold", .id = kOtherId}}, "order-1");
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->status.error_details().find("forexo_gold"), std::string::npos);
  EXPECT_EQ(refusal->status.error_message().find("forexo_gold"), std::string::npos);
}

TEST(RequestedProductsTest, NamesTheOneOfAnApplication) {
  pb::AddProductApplicationRequest request;
  request.mutable_product()->set_alias("forexo_basic");
  request.mutable_product()->set_id(kOtherId);
  EXPECT_THAT(RequestedProducts(request),
              ElementsAre(FieldsAre("product", "forexo_basic", kOtherId)));
}

TEST(RequestedProductsTest, NamesThoseOfAProfileByTheirPlaces) {
  pb::CreateProfileRequest request;
  EXPECT_THAT(RequestedProducts(request), IsEmpty());
  request.add_product_applications()->mutable_product()->set_alias("forexo_basic");
  request.add_product_applications()->mutable_product()->set_id(kOtherId);
  EXPECT_THAT(RequestedProducts(request),
              ElementsAre(FieldsAre("product_applications[0].product", "forexo_basic", ""),
                          FieldsAre("product_applications[1].product", "", kOtherId)));
}

}  // namespace
}  // namespace gateway
