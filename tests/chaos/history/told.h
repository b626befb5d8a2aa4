#ifndef TESTS_CHAOS_HISTORY_TOLD_H_
#define TESTS_CHAOS_HISTORY_TOLD_H_

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
using Told = WriteResultOf<Given>;

Told ToTold(WriteResult result);
Told ToTold(CreateProfileResult result);

// What the gRPC code and the scope of an answer mean to the caller.
enum class Meaning { kDone, kNotDone, kThisCallDidNothing, kNotKnown };

Meaning MeaningOf(const Told& told);

bool IsBudgetReached(const Told& told);

// "OK reconciled", "UNKNOWN", "NOT_CREATED".
std::string KindOf(const Told& told);
// The same with the ids.
std::string Describe(const Told& told);

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_TOLD_H_
