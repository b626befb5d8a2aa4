#ifndef TESTS_FAKE_PASSFORT_CONTROL_H_
#define TESTS_FAKE_PASSFORT_CONTROL_H_

#include <string>
#include <string_view>

#include "tests/fake_passfort/backend.h"

namespace gateway {

// What fake-passfort --help says about the endpoint outside /4.0 through which anybody scripts the
// fake, without an API key: its paths, and faults as JSON.
std::string_view ControlHelp();

// Answers everything but POST /control/release, which is the server's own.
GivenAnswer Control(Backend& backend, std::string_view method, std::string_view target,
                    std::string_view body);

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_CONTROL_H_
