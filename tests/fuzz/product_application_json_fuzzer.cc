// Reads any bytes as Passfort's answer. Nothing may crash, and what is read must be rebuilt from
// the typed fields and `unmapped`, also after a client has parsed it.
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto read = gateway::ReadJson({reinterpret_cast<const char*>(data), size});
  if (!read) {
    return 0;
  }
  Check(gateway::ReadJson(gateway::WriteJson(*read)) == read, "written JSON reads the same", "");
  if (!read->is_object() || !read->contains("id") || !read->at("id").is_string() ||
      read->at("id").get_ref<const std::string&>().empty()) {
    return 0;
  }
  gateway::pb::AddProductApplicationResponse response;
  gateway::ProductApplicationFromJson(*read, *response.mutable_product_application());
  gateway::pb::AddProductApplicationResponse received;
  Check(received.ParseFromString(response.SerializeAsString()), "a client can parse the answer",
        "");
  const std::string broken = gateway::BrokenPromise(*read, received.product_application());
  Check(broken.empty(), "nothing is lost", broken);
  return 0;
}
