// Reads any bytes as Passfort's answer. Nothing may crash, and what is read must be rebuilt from
// the typed fields and `unmapped`, also after a client has parsed it.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "passfort/gateway/v1/product_application_service.pb.h"
#include "service/passfort/json_reader.h"
#include "service/passfort/product_application_json.h"
#include "tests/unit/passfort/rebuilt_application.h"

namespace {

void Check(bool holds, std::string_view promise, const std::string& how) {
  if (!holds) {
    std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(promise.size()), promise.data(),
                 how.c_str());
    std::abort();
  }
}

bool IsApplication(const nlohmann::json& json) {
  return json.is_object() && json.contains("id") && json.at("id").is_string() &&
         !json.at("id").get_ref<const std::string&>().empty();
}

void CheckApplication(const nlohmann::json& json,
                      const gateway::pb::ProductApplication& application) {
  gateway::pb::AddProductApplicationResponse response;
  *response.mutable_product_application() = application;
  gateway::pb::AddProductApplicationResponse received;
  Check(received.ParseFromString(response.SerializeAsString()), "a client can parse the answer",
        "");
  const std::string broken = gateway::BrokenPromise(json, received.product_application());
  Check(broken.empty(), "nothing is lost", broken);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto json = gateway::ReadJson(text);
  const auto application = gateway::ReadProductApplication(text);
  const auto list = gateway::ReadProductApplications(text);
  if (json) {
    Check(gateway::ReadJson(gateway::WriteJson(*json)) == json, "written JSON reads the same", "");
  }
  Check(application.has_value() == (json && IsApplication(*json)), "an application is read", "");
  Check(list.has_value() == (json && json->is_array() && std::ranges::all_of(*json, IsApplication)),
        "a list of applications is read", "");
  if (application) CheckApplication(*json, *application);
  for (size_t i = 0; list && i < list->size(); ++i) CheckApplication(json->at(i), (*list)[i]);
  return 0;
}
