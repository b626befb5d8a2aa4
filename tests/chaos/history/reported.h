#ifndef TESTS_CHAOS_HISTORY_REPORTED_H_
#define TESTS_CHAOS_HISTORY_REPORTED_H_

#include <string>

#include "service/idempotency/write_result.h"
#include "service/operations/application_writer.h"
#include "service/operations/create_profile.h"

namespace gateway::history {

// The resource that an OK names.
struct Given {
  std::string id;  // in lower case
};

// What a caller was told, whatever it wanted made.
using Reported = WriteResultOf<Given>;

Reported ToTold(WriteResult result);
Reported ToTold(CreateProfileResult result);

// What the gRPC code and the scope of an answer mean to the caller.
enum class Meaning { kDone, kNotDone, kThisCallDidNothing, kNotKnown };

Meaning MeaningOf(const Reported& told);

bool IsBudgetReached(const Reported& told);

// "OK reconciled", "UNKNOWN", "NOT_CREATED".
std::string KindOf(const Reported& told);
// The same with the ids.
std::string Describe(const Reported& told);

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_REPORTED_H_
