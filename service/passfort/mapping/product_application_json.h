#ifndef SERVICE_PASSFORT_MAPPING_PRODUCT_APPLICATION_JSON_H_
#define SERVICE_PASSFORT_MAPPING_PRODUCT_APPLICATION_JSON_H_

#include <optional>
#include <string>
#include <string_view>

#include "passfort/gateway/v1/product_application.pb.h"
#include "service/json/json_sax.h"
#include "service/passfort/mapping/resource_reading.h"

namespace gateway {

namespace pb = ::passfort::gateway::v1;

// Passfort's JSON form of a product application <-> the contract. Pure functions: no I/O, no clock.

// Reads an application: a JSON object whose `id` is a non-empty string. Nothing if `text` is not
// that, or is no JSON as ParseJson takes it. Whatever else the object has is read: what the
// typed fields would not print back as the same value is in `unmapped` as well.
std::optional<pb::ProductApplication> ReadProductApplication(std::string_view text);

// The same in pieces, for a text that would hold the loop for too long.
using ProductApplicationReading = ResourceReading<pb::ProductApplication>;

// The body of a request to add an application: the product's alias or, only if that is empty, its
// id, and the role unless it is UNSPECIFIED. All text must be UTF-8.
std::string CreateApplicationJson(std::string_view product_alias, std::string_view product_id,
                                  pb::AssociatedRole associated_role);

// The name Passfort uses for `role`, e.g. "DIRECTOR". Empty for UNSPECIFIED and for numbers outside
// the contract.
std::string_view AssociatedRoleJsonName(pb::AssociatedRole role);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_MAPPING_PRODUCT_APPLICATION_JSON_H_
