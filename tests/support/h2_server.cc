#include "tests/support/h2_server.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <utility>

namespace gateway {
namespace {

constexpr char kAnnouncedTooLong[] = "1000";
// Far beyond what a client under test takes.
constexpr std::chrono::seconds kServerBound{60};

nghttp2_nv Header(std::string_view name, std::string_view value) {
  return {.name = reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          .value = reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = NGHTTP2_NV_FLAG_NONE};
}

// One connection's session: bytes in, frames out, a reaction for each whole request.
class H2Session {
 public:
  H2Session(ServerConnection& connection, std::function<H2Reaction(const H2Request&)> react,
            std::function<void(const H2Request&)> on_broken)
      : connection_(connection),
        react_(std::move(react)),
        on_broken_(std::move(on_broken)),
        session_(nullptr, &nghttp2_session_del) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, &H2Session::OnHeader);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &H2Session::OnData);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &H2Session::OnFrame);
    nghttp2_session* session = nullptr;
    nghttp2_session_server_new(&session, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    session_.reset(session);
  }

  // Those that the connection's end broke off.
  void TellBrokenRequests() {
    while (!requests_.empty()) TellBroken(requests_.begin()->first);
  }

  void Serve(H2Server::FirstWindow first_window) {
    if (first_window == H2Server::FirstWindow::kNothing) {
      SetWindow(0);
    } else {
      nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, nullptr, 0);
    }
    char buffer[16 * 1024];
    while (true) {
      // A client that broke off takes nothing any more. What it said before is read all the same.
      Flush();
      if (ended_) return;
      const size_t count = connection_.Read(buffer, sizeof buffer);
      if (count == 0) return;
      const auto* const bytes = reinterpret_cast<const uint8_t*>(buffer);
      if (nghttp2_session_mem_recv(session_.get(), bytes, count) < 0) return;
    }
  }

 private:
  void TellBroken(int32_t stream) {
    const auto request = requests_.find(stream);
    if (request == requests_.end()) return;
    on_broken_(request->second);
    requests_.erase(request);
  }

  void SetWindow(uint32_t bytes) {
    const nghttp2_settings_entry window{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, bytes};
    nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, &window, 1);
  }

  void Flush() {
    const uint8_t* bytes = nullptr;
    ssize_t count = 0;
    while ((count = nghttp2_session_mem_send(session_.get(), &bytes)) > 0) {
      const std::string_view text(reinterpret_cast<const char*>(bytes), static_cast<size_t>(count));
      if (!connection_.Write(text)) return;
    }
  }

  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                      void* self) {
    H2Request& request = static_cast<H2Session*>(self)->requests_[frame->hd.stream_id];
    const std::string_view name_text(reinterpret_cast<const char*>(name), name_size);
    const std::string_view value_text(reinterpret_cast<const char*>(value), value_size);
    if (name_text == ":method") request.method = value_text;
    if (name_text == ":path") request.path = value_text;
    return 0;
  }

  static int OnData(nghttp2_session*, uint8_t, int32_t stream, const uint8_t* bytes, size_t size,
                    void* self) {
    static_cast<H2Session*>(self)->requests_[stream].body.append(
        reinterpret_cast<const char*>(bytes), size);
    return 0;
  }

  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
      auto* const session = static_cast<H2Session*>(self);
      session->TellBroken(frame->hd.stream_id);
      session->SetWindow(NGHTTP2_INITIAL_WINDOW_SIZE);
      return 0;
    }
    const bool can_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (!can_end || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
    static_cast<H2Session*>(self)->OnWholeRequest(frame->hd.stream_id);
    return 0;
  }

  void OnWholeRequest(int32_t stream) {
    H2Request request = std::move(requests_[stream]);
    requests_.erase(stream);
    request.connection = connection_.number();
    request.stream = stream;
    switch (react_(request)) {
      case H2Reaction::kAnswer:
        return Answer(stream, std::to_string(H2Server::kAnswerBody.size()));
      case H2Reaction::kCutBody:
        cuts_body_ = true;
        return Answer(stream, kAnnouncedTooLong);
      case H2Reaction::kClose:
        ended_ = true;
        return;
      case H2Reaction::kReset:
        ended_ = true;
        return connection_.Reset();
      case H2Reaction::kGoAway:
        nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, std::max(stream - 2, 0),
                              NGHTTP2_NO_ERROR, nullptr, 0);
        ended_ = true;
        return;
      case H2Reaction::kRefuseStream:
        nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream,
                                  NGHTTP2_REFUSED_STREAM);
        return;
      case H2Reaction::kResetStream:
        nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream,
                                  NGHTTP2_INTERNAL_ERROR);
        return;
    }
  }

  void Answer(int32_t stream, const std::string& announced_size) {
    const nghttp2_nv headers[] = {Header(":status", "200"), Header("x-request-id", "r1"),
                                  Header("content-length", announced_size)};
    const nghttp2_data_provider body = {.source = {.ptr = this}, .read_callback = &OnReadBody};
    nghttp2_submit_response(session_.get(), stream, headers, std::size(headers), &body);
    ended_ = cuts_body_;
  }

  static ssize_t OnReadBody(nghttp2_session*, int32_t, uint8_t* buffer, size_t, uint32_t* flags,
                            nghttp2_data_source* source, void*) {
    std::memcpy(buffer, H2Server::kAnswerBody.data(), H2Server::kAnswerBody.size());
    *flags = NGHTTP2_DATA_FLAG_EOF;
    if (static_cast<H2Session*>(source->ptr)->cuts_body_) *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return static_cast<ssize_t>(H2Server::kAnswerBody.size());
  }

  ServerConnection& connection_;
  const std::function<H2Reaction(const H2Request&)> react_;
  const std::function<void(const H2Request&)> on_broken_;
  std::unique_ptr<nghttp2_session, decltype(&nghttp2_session_del)> session_;
  std::map<int32_t, H2Request> requests_;
  bool cuts_body_ = false;
  bool ended_ = false;  // once what is queued is written
};

}  // namespace

H2Server::H2Server(Script script, TlsIdentity identity, FirstWindow first_window)
    : script_(std::move(script)),
      server_(
          [this, first_window](ServerConnection& connection) {
            const auto react = [this](const H2Request& request) { return React(request); };
            const auto on_broken = [this](const H2Request& request) {
              const std::lock_guard lock(mutex_);
              broken_requests_.push_back(request);
              changed_.notify_all();
            };
            H2Session session(connection, react, on_broken);
            session.Serve(first_window);
            session.TellBrokenRequests();
          },
          std::move(identity), "h2") {}

H2Reaction H2Server::React(const H2Request& request) {
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  return script_(request);
}

H2Request H2Server::WaitForBrokenRequest() {
  std::unique_lock lock(mutex_);
  const bool came =
      changed_.wait_for(lock, kServerBound, [this] { return !broken_requests_.empty(); });
  if (!came) {
    std::fprintf(stderr, "waited in vain for a request that the client breaks off\n");
    std::abort();
  }
  return broken_requests_.front();
}

std::vector<H2Request> H2Server::BrokenRequestsOf(int connections) {
  server_.WaitUntilEnded(connections);
  const std::lock_guard lock(mutex_);
  return broken_requests_;
}

int H2Server::Posts(std::string_view body) const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(std::ranges::count_if(requests_, [body](const H2Request& request) {
    return request.method == "POST" && request.body == body;
  }));
}

}  // namespace gateway
