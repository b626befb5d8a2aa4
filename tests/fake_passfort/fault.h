#ifndef TESTS_FAKE_PASSFORT_FAULT_H_
#define TESTS_FAKE_PASSFORT_FAULT_H_

#include <chrono>
#include <cstddef>
#include <limits>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/fake_passfort/passfort_state.h"
#include "tests/fake_passfort/route.h"

namespace gateway {

// How the answer differs from the ordinary one. Everything left out stays ordinary.
struct AnswerScript {
  enum class Framing { kContentLength, kChunked, kConnectionClose };

  // 0: the ordinary one, or 503 for a request that was not executed.
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers = {};
  // In place of the ordinary body. Without one, a request that was not executed is answered by a
  // short HTML page.
  std::optional<std::string> body = {};

  // Changes of the ordinary body: JSON pointer and the new value as JSON text. In a list they are
  // made to every item; missing members are added.
  std::vector<std::pair<std::string, std::string>> set = {};
  std::vector<std::string> remove = {};  // JSON pointers, likewise
  bool upper_case_ids = false;           // of every member named `id`, at any depth
  // Answers with the profile's oldest application from before this request.
  bool existing_application = false;

  // Spaces after the body until it has this many bytes; JSON stays JSON.
  size_t pad_to = 0;
  Framing framing = Framing::kContentLength;
  // Sends only this many bytes of the body, chunk headers counted, though the framing promises all.
  std::optional<size_t> cut_after = {};
  // Sends the body in pieces of this many bytes with a pause after each; 0: at once.
  size_t piece_bytes = 0;
  std::chrono::milliseconds piece_pause{0};
  // Sent as it is, in place of status line, headers and body.
  std::string raw = {};
};

// What becomes of one request: which ones it is for, when they take effect, what is sent, and what
// happens to the connection then. The four are independent; `Problem` names what makes no sense.
struct Fault {
  enum class Read { kWhole, kHeaders };
  enum class CarryOut {
    kBeforeAnswer,
    kLate,  // after the connection is gone, or after the answer where it is kept
    kNever,
  };
  enum class Hold { kNowhere, kBeforeCarryingOut, kBeforeAnswer };
  enum class Send { kAnswer, kNothing };
  enum class Then {
    kAsUsual,  // keeps the connection after a whole answer, else closes it
    kClose,    // FIN; not announced by a header
    kReset,    // RST
    kHang,     // does nothing more until the client is gone
  };
  enum class Stranger { kNobody, kBefore, kAfter };

  static constexpr int kAlways = std::numeric_limits<int>::max();

  // Which requests: all that is set must fit. The first `skip` that fit are let through, then
  // `times` of them meet the fault.
  std::string method = {};
  Endpoint endpoint = Endpoint::kAny;
  std::string profile_id = {};
  int skip = 0;
  int times = 1;

  Read read = Read::kWhole;  // kHeaders: the body is not read, so nothing can be executed
  // Waits there until FakePassfort::Release.
  Hold hold = Hold::kNowhere;

  CarryOut carry_out = CarryOut::kBeforeAnswer;
  // Counted from the whole request, or for kLate from the end of the exchange. It runs on when the
  // client has gone, as the real service would.
  std::chrono::milliseconds carry_out_after{0};
  // The application made (all of them, with a profile) is hidden at once; the answer does not show
  // it yet.
  bool hide = false;
  PassfortState::RevertedId reverted_id = PassfortState::RevertedId::kSame;
  // Somebody else adds the same product and role to the profile, just before or after.
  Stranger stranger = Stranger::kNobody;
  MadeBy stranger_is = MadeBy::kPortalUser;

  std::chrono::milliseconds answer_after{0};
  Send send = Send::kAnswer;
  AnswerScript answer = {};
  Then then = Then::kAsUsual;

  // What is wrong with it; empty: nothing.
  std::string Problem() const;
};

// Faults that wait for their requests. Not thread-safe.
class FaultQueue {
 public:
  void Add(Fault fault);
  void Clear() { waiting_.clear(); }
  // Those for one profile.
  void ClearOf(std::string_view profile_id);

  // The oldest fault for this request that has not been used up, or an ordinary exchange.
  Fault Take(std::string_view method, const Route& route);

  // How many could still be taken; one for kAlways counts too.
  size_t waiting() const { return waiting_.size(); }

 private:
  std::list<Fault> waiting_;
};

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_FAULT_H_
