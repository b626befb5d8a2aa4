#ifndef TESTS_FAKE_PASSFORT_ANSWER_H_
#define TESTS_FAKE_PASSFORT_ANSWER_H_

#include <string>

#include "tests/fake_passfort/fault.h"
#include "tests/fake_passfort/passfort_api.h"

namespace gateway {

// An answer as bytes.
struct WireAnswer {
  std::string head;  // status line and headers with the empty line; or the raw bytes of the script
  std::string body;  // framed, and cut if the script says so
  int status = 0;    // 0: raw bytes
  bool is_cut = false;
  bool ends_with_connection = false;
};

// In place of an ordinary answer, for a request that was not executed.
GivenAnswer NotExecutedAnswer(const AnswerScript& script);

// Changes the ordinary answer as the script says: status and body.
GivenAnswer Edited(GivenAnswer ordinary, const AnswerScript& script);

enum class Connection { kKept, kClosed };

// Puts an (edited) answer into bytes. kClosed announces that the connection ends with it.
WireAnswer OnWire(const GivenAnswer& answer, const AnswerScript& script, Connection connection);

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_ANSWER_H_
