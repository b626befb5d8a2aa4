#ifndef TESTS_UNIT_PASSFORT_MAPPED_APPLICATION_H_
#define TESTS_UNIT_PASSFORT_MAPPED_APPLICATION_H_

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "service/json/json_reader.h"
#include "service/passfort/mapping/product_application_json.h"
#include "tests/unit/passfort/rebuilt_application.h"

namespace gateway {

// A file of tests/testdata/passfort.
inline std::string TestData(const std::string& name) {
  std::ifstream file(absl::StrCat(GATEWAY_TESTDATA, "/passfort/", name));
  EXPECT_TRUE(file.is_open()) << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The application that `text` maps to, which must hold all of it; without its etag, which has tests
// of its own.
inline pb::ProductApplication MappedText(const std::string& text) {
  const auto source = ReadJson(text);
  auto application = ReadProductApplication(text);
  if (!source || !application) {
    ADD_FAILURE() << "no application: " << text;
    return {};
  }
  EXPECT_EQ(BrokenPromise(*source, *application), "");
  application->clear_etag();
  return *application;
}

inline pb::ProductApplication Mapped(const nlohmann::json& source) {
  return MappedText(WriteJson(source));
}

// What is `levels` below `root`, down the members called "a".
inline const google::protobuf::Value& Below(const google::protobuf::Struct& root, int levels) {
  const google::protobuf::Value* value = &root.fields().at("a");
  for (int level = 1; level < levels; ++level) {
    value = &value->struct_value().fields().at("a");
  }
  return *value;
}

// What a record keeps of an application, whether it was read alone or from a list.
inline pb::ProductApplication Kept(const pb::ProductApplication& application) {
  pb::ProductApplication kept;
  kept.set_id(application.id());
  kept.set_status(application.status());
  kept.set_flag(application.flag());
  kept.set_associated_role(application.associated_role());
  kept.mutable_product()->set_id(application.product().id());
  kept.mutable_product()->set_alias(application.product().alias());
  return kept;
}

// An etag does not count.
MATCHER_P(IsProto, expected_text, "") {
  pb::ProductApplication expected;
  if (!google::protobuf::TextFormat::ParseFromString(std::string(expected_text), &expected)) {
    *result_listener << "the expectation is no text proto";
    return false;
  }
  expected.clear_etag();
  pb::ProductApplication found = arg;
  found.clear_etag();
  std::string difference;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  const bool same = differencer.Compare(expected, found);
  *result_listener << difference;
  return same;
}

}  // namespace gateway

#endif  // TESTS_UNIT_PASSFORT_MAPPED_APPLICATION_H_
