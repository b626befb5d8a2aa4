#ifndef TESTS_SOAK_DOCUMENTED_ERRORS_H_
#define TESTS_SOAK_DOCUMENTED_ERRORS_H_

#include <grpcpp/support/status_code_enum.h>

#include <string_view>

namespace gateway::soak {

// What the contract promises of an error by its code and reason.
enum class Promise {
  kNotKnown,          // it may have been done
  kNotDone,           // and a retry would end the same way
  kNotDoneMayRepeat,  // definitely not executed; safe to retry
  kNotDocumented,     // no answer that the contract knows
};

// Row by row what the contract (product_application_service.proto, the table of docs/errors.md)
// says, written down a second time on purpose: the gateway's own table is under test here. `OK` is
// no error.
Promise PromiseOf(grpc::StatusCode code, std::string_view reason);

}  // namespace gateway::soak

#endif  // TESTS_SOAK_DOCUMENTED_ERRORS_H_
