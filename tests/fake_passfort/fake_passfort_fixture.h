#ifndef TESTS_FAKE_PASSFORT_FAKE_PASSFORT_FIXTURE_H_
#define TESTS_FAKE_PASSFORT_FAKE_PASSFORT_FIXTURE_H_

#include <gtest/gtest.h>

#include <string_view>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/fake_passfort/test_connection.h"

namespace gateway {

inline constexpr char kProfileId[] = "a2c4393a-e219-67a4-5ab4-2186952e9038";
inline constexpr char kApplications[] =
    "/4.0/profiles/a2c4393a-e219-67a4-5ab4-2186952e9038/applications";
inline constexpr char kBasic[] = R"({"product": {"alias": "forexo_basic"}})";

// A fake of one's own, and requests on connections of their own.
class FakePassfortFixture : public ::testing::Test {
 protected:
  Reply Add(std::string_view body = kBasic) {
    return SendOnce(passfort_.port(), "POST", kApplications, body);
  }
  Reply Get(std::string_view target) { return SendOnce(passfort_.port(), "GET", target); }
  int created() { return passfort_.counts(kProfileId).created; }
  // The late ones come when they come.
  bool WaitUntilCreated(int number) {
    return passfort_.WaitUntil([this, number] { return created() == number; });
  }

  FakePassfort passfort_;
};

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_FAKE_PASSFORT_FIXTURE_H_
