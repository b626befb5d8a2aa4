#ifndef TESTS_CHAOS_HISTORY_WISH_H_
#define TESTS_CHAOS_HISTORY_WISH_H_

#include <string>
#include <variant>

#include "service/passfort/product_application_client.h"
#include "service/passfort/profile_client.h"

namespace gateway::history {

// A profile that a caller wants made. Equal persons may be two: nothing at Passfort tells.
struct Person {
  std::string name;

  friend bool operator==(const Person&, const Person&) = default;
};

// As the validation of a request makes it, of what is checked here.
inline ProfileDraft ToDraft(const Person& person) {
  return {.body = R"({"role":"INDIVIDUAL_CUSTOMER","collected_data":{"name":")" + person.name +
                  R"("}})"};
}

// What a caller wants made: an application for a product, or a profile.
using Wish = std::variant<ApplicationDraft, Person>;

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_WISH_H_
