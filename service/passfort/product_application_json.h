#ifndef SERVICE_PASSFORT_PRODUCT_APPLICATION_JSON_H_
#define SERVICE_PASSFORT_PRODUCT_APPLICATION_JSON_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "passfort/gateway/v1/product_application.pb.h"

namespace gateway {

namespace pb = ::passfort::gateway::v1;

// Passfort's JSON form of a product application <-> the contract. Pure functions: no I/O, no clock.

// Fills `application` from a JSON object whose `id` is a non-empty string. Never fails: what the
// typed fields would not print back as the same value is in `unmapped` as well.
void ProductApplicationFromJson(const nlohmann::json& json, pb::ProductApplication& application);

// The name Passfort uses for `role`, e.g. "DIRECTOR". Empty for UNSPECIFIED and for numbers outside
// the contract.
std::string_view AssociatedRoleJsonName(pb::AssociatedRole role);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_PRODUCT_APPLICATION_JSON_H_
