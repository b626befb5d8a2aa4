#ifndef SERVICE_PASSFORT_MAPPING_APPLICATION_LIST_H_
#define SERVICE_PASSFORT_MAPPING_APPLICATION_LIST_H_

#include <memory>
#include <string_view>

#include "absl/time/time.h"
#include "service/json/json_sax.h"
#include "service/passfort/passfort_client.h"

namespace gateway {

struct HttpResult;

// Reads the response to GET /profiles/{profile_id}/applications. A list counts only if it came
// whole, with a 2xx, as a JSON array, and if no item says that it belongs to another profile. An
// item that is no object with a non-empty `id` is left out, and makes the list incomplete, as a
// status or a header does that says that it is a part (206) or not of this moment (Age). A list
// that exceeds a limit is told apart from one that cannot be read: asking again changes nothing.
// Everything else is what the table of outcomes makes of it. A pure function that never fails.
// `now` is for dates in rate-limit headers.
//
// Of each item it reads what is compared, so that a long list does not hold the loop; the rest is
// for ApplicationOf.
ListOutcome ClassifyList(const HttpResult& result, std::string_view profile_id, absl::Time now,
                         const MessageFilter* messages);

// The same in pieces, for a list that would hold the loop for too long. `result` has a response;
// it and `profile_id` outlive this.
class ApplicationListReading {
 public:
  ApplicationListReading(const HttpResult& result, std::string_view profile_id);
  ~ApplicationListReading();

  // False: there is more to read.
  bool ReadPiece();
  // What was read, after the last piece.
  ListOutcome TakeOutcome(absl::Time now, const MessageFilter* messages);

 private:
  class Reader;

  const HttpResult& result_;
  std::unique_ptr<Reader> reader_;
  JsonReading json_;
  JsonEnd end_ = JsonEnd::kBroken;
};

// The whole application, with nothing lost.
pb::ProductApplication ApplicationOf(const ListedApplication& listed);

// A short stable name for logs and metrics, as OutcomeName has them.
std::string_view OutcomeName(const ListOutcome& outcome);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_MAPPING_APPLICATION_LIST_H_
