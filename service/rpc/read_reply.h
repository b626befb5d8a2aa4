#ifndef SERVICE_RPC_READ_REPLY_H_
#define SERVICE_RPC_READ_REPLY_H_

#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include "service/passfort/resource_client.h"
#include "service/rpc/calls/rpc_call.h"
#include "service/rpc/outcome_to_grpc.h"

namespace gateway {

// A read as its errors speak of it.
struct ReadWords {
  // What it asks for: "the profile".
  std::string_view object;
  // What is wrong, and what to check, if Passfort does not know it.
  std::string_view not_found;
  std::string_view check;
};

// What reads can fail with. Never UNKNOWN.
CallError ToReadError(const NotExecuted& failure, bool was_sent, const CallInfo& call,
                      const ReadWords& words);
CallError ToReadError(const Refused& refusal, const CallInfo& call, const ReadWords& words);

// Ends a read: what it found goes to `target`, a part of the call's response.
template <typename Message>
CallResult EndRead(RpcCall& call, ReadResult<Message> result, Message& target,
                   const ReadWords& words) {
  if (auto* const found = std::get_if<std::shared_ptr<Message>>(&result.outcome)) {
    call.ReplyWith(std::move(*found), target);
    return Reply{.retry_end = result.retry_end};
  }
  const CallInfo info = {.caller = call.caller(), .retry_end = result.retry_end};
  if (const auto* const failure = std::get_if<NotExecuted>(&result.outcome)) {
    return std::make_unique<CallError>(ToReadError(*failure, result.was_sent, info, words));
  }
  return std::make_unique<CallError>(ToReadError(std::get<Refused>(result.outcome), info, words));
}

}  // namespace gateway

#endif  // SERVICE_RPC_READ_REPLY_H_
