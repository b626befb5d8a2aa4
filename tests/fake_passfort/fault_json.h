#ifndef TESTS_FAKE_PASSFORT_FAULT_JSON_H_
#define TESTS_FAKE_PASSFORT_FAULT_JSON_H_

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tests/fake_passfort/fault.h"

namespace gateway {

// Reads one fault or an array of them, as control.h describes them, or says what is wrong. Strict:
// a misspelt member would make a fault that never shows, and a test that proves nothing.
std::variant<std::vector<Fault>, std::string> ParseFaults(std::string_view json);

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_FAULT_JSON_H_
