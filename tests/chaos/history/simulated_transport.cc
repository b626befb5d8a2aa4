#include <nlohmann/json.hpp>
#include <utility>

#include "service/passfort/mapping/product_application_json.h"
#include "service/passfort/resource_client.h"
#include "tests/chaos/history/call_trace.h"
#include "tests/chaos/history/simulated_passfort.h"

namespace gateway::history {
namespace {

// What a request asks for, as Passfort reads it.
ApplicationDraft DraftOf(const ApiRequest& request) {
  const auto body = nlohmann::json::parse(request.body);
  const auto& product = body.at("product");
  ApplicationDraft draft{.profile_id = std::string(request.profile_id),
                         .product_alias = product.value("alias", ""),
                         .product_id = product.value("id", "")};
  const std::string role = body.value("associated_role", "");
  for (int number = 1; !role.empty() && pb::AssociatedRole_IsValid(number); ++number) {
    const auto named = static_cast<pb::AssociatedRole>(number);
    if (AssociatedRoleJsonName(named) == role) draft.associated_role = named;
  }
  return draft;
}

Person PersonOf(const ApiRequest& request) {
  const auto body = nlohmann::json::parse(request.body);
  return {.name = body.at("collected_data").value("name", "")};
}

Post::Learnt LearntFrom(const ApiOutcome& outcome) {
  if (std::holds_alternative<ApiResponse>(outcome)) return Post::Learnt::kDone;
  const bool is_ambiguous = std::holds_alternative<Ambiguous>(outcome);
  return is_ambiguous ? Post::Learnt::kNothing : Post::Learnt::kNotDone;
}

}  // namespace

// What the real client does with a request, without HTTP: it honours the send gate, the deadline
// and the stop, and closes the connection when the attempt ends.
class SimulatedPassfort::Transport final : public ApiTransport {
 public:
  Transport(SimulatedPassfort& passfort, SimulatedProcess& life, const std::string& session)
      : passfort_(passfort), life_(life), session_(session) {}

  Task<ApiResult> Call(const ApiEndpoint& endpoint, ApiRequest request,
                       const CallContext& context) override {
    if (&endpoint == &kGetApplication || &endpoint == &kGetProfile) {
      const bool is_profile = &endpoint == &kGetProfile;
      const std::string_view id = is_profile ? request.profile_id : request.application_id;
      return Read([passfort = &passfort_, id = std::string(id)] { return passfort->AnswerGet(id); },
                  context);
    }
    if (!endpoint.is_write()) {
      return Read([passfort = &passfort_,
                   id = std::string(request.profile_id)] { return passfort->AnswerList(id); },
                  context);
    }
    if (&endpoint == &kCreateProfile) {
      return Create(PersonOf(request), context, request.send_before);
    }
    return Create(DraftOf(request), context, request.send_before);
  }

 private:
  Task<ApiResult> Create(Wish wish, const CallContext& context,
                         std::optional<BootTime> send_before) {
    auto wait = life_.Begin<ApiOutcome>(NotExecuted{.cause = NotExecuted::Cause::kStopped});
    if (life_.is_dead()) co_return ApiResult{co_await wait.value()};

    const auto post =
        std::make_shared<Post>(Post{.number = static_cast<int>(passfort_.posts_.size()),
                                    .request_id = send_before ? session_ : "",
                                    .call = NumberIn(*context.trace),
                                    .wish = std::move(wish),
                                    .process = &life_});
    passfort_.posts_.push_back(post);
    life_.OnDeath([passfort = &passfort_, post] { passfort->OnGone(post); });

    auto& world = life_.world();
    const absl::Time sent_at = ProcessClock(life_).WallNow();
    const auto state = wait.state();
    const auto answer = [life = &life_, state](Milliseconds back, ApiOutcome outcome) {
      life->DeliverAfter(back, [state, outcome = std::move(outcome)]() mutable {
        state->arrival.Set(std::move(outcome));
      });
    };
    const auto& weather = passfort_.weather_;
    const Milliseconds connect = world.chance().Happens(weather.slow_connect)
                                     ? world.chance().Between(Milliseconds(200), Milliseconds(1900))
                                     : passfort_.WayThere();
    const bool is_reached = !world.chance().Happens(weather.unreachable) && !passfort_.IsAway();
    life_.DeliverAfter(connect, [this, state, post, answer, send_before, is_reached] {
      if (state->arrival.await_ready()) return;  // the attempt is over
      // In one step with letting it out: that a process freezes between the two is beyond what is
      // promised.
      const BootTime now{life_.world().now().time_since_epoch()};
      const bool is_open = !send_before || now < *send_before;
      if (!is_reached || !is_open) {
        life_.world().Count(is_open ? "POST: not reached" : "POST: send gate closed");
        return state->arrival.Set(NotExecuted{.cause = NotExecuted::Cause::kUnreachable});
      }
      passfort_.OnLeft(post, answer);
    });
    const auto end = [state, post](NotExecuted::Cause before, Ambiguous::Cause after) {
      state->arrival.Set(post->left_at ? ApiOutcome(Ambiguous{.cause = after})
                                       : ApiOutcome(NotExecuted{.cause = before}));
    };
    life_.DeliverAt(context.deadline.at(),
                    [end] { end(NotExecuted::Cause::kNoTimeLeft, Ambiguous::Cause::kTimeout); });
    const std::stop_callback on_stop(
        context.stop, [&end] { end(NotExecuted::Cause::kStopped, Ambiguous::Cause::kStopped); });

    ApiOutcome outcome = co_await wait.value();
    passfort_.OnGone(post);
    if (!life_.is_dead()) {
      post->learnt = LearntFrom(outcome);
      post->learnt_at = world.now();
    }
    co_return ApiResult{std::move(outcome), sent_at};
  }

  // `answer` is what Passfort says when it is asked.
  Task<ApiResult> Read(std::function<ApiOutcome()> answer, const CallContext& context) {
    auto wait = life_.Begin<ApiOutcome>(NotExecuted{});
    auto& world = life_.world();
    const auto& weather = passfort_.weather_;
    const bool is_slow = world.chance().Happens(weather.list_slow);
    const Milliseconds there = passfort_.WayThere();
    const Milliseconds back = is_slow ? world.chance().Between(Milliseconds(50), Milliseconds(700))
                                      : passfort_.WayThere();
    const auto state = wait.state();
    world.After(there, [life = &life_, back, state, answer = std::move(answer)] {
      ApiOutcome outcome = answer();
      life->DeliverAfter(back, [state, outcome = std::move(outcome)]() mutable {
        state->arrival.Set(std::move(outcome));
      });
    });
    life_.DeliverAt(context.deadline.at(), [state] { state->arrival.Set(NotExecuted{}); });
    const std::stop_callback on_stop(context.stop, [&state] { state->arrival.Set(NotExecuted{}); });
    co_return ApiResult{co_await wait.value()};
  }

  SimulatedPassfort& passfort_;
  SimulatedProcess& life_;
  const std::string& session_;
};

std::unique_ptr<ApiTransport> SimulatedPassfort::Connect(SimulatedProcess& life,
                                                         const std::string& session) {
  return std::make_unique<Transport>(*this, life, session);
}

}  // namespace gateway::history
