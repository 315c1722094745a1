// Weir live-streaming server. MIT licence, see LICENSE.

// Server, for tests only: the module as the server runs it, with the library and the media routes,
// on a manual clock and without sockets: streams live on core 1, requests come to core 0.
#pragma once

#include <gmock/gmock.h>

#include <deque>

#include "protocols/hls/config.h"
#include "protocols/hls/fixture.h"
#include "protocols/hls/module.h"
#include "segments/fixture.h"
#include "segments/routes.h"

namespace weir::hls::fixture {

using net::http::Response;

struct Answer {
  bool done = false;
  Response response;
  int status() const { return response.status; }
  std::string text() const {
    return response.content ? std::string(response.content->body().front().text()) : "";
  }
  std::string header(std::string_view name) const {
    for (const auto& h : response.headers)
      if (h.name == name) return h.value;
    const std::string lines = response.content ? response.content->common_lines() : "";
    const size_t at = lines.find(std::string(name) + ": ");
    if (at == std::string::npos) return {};
    return lines.substr(at + name.size() + 2, lines.find('\r', at) - at - name.size() - 2);
  }
};
using AnswerPtr = std::shared_ptr<Answer>;

inline net::Task<> keep_answer(net::Task<Response> task, AnswerPtr out) {
  out->response = co_await std::move(task);
  out->done = true;
}

inline net::Task<> keep_service(net::Task<service::Started> task, service::Started& out) {
  out = co_await std::move(task);
}

inline ConfigPtr config_of(const HlsConfig& section) {
  ConfigSchema schema;
  module.declare(schema);
  ConfigDraft draft(schema);
  draft.edit<HlsConfig>("hls") = section;
  return std::move(draft).finish();
}

struct Server : segments::testing::Studio {
  explicit Server(const HlsConfig& section = {}, segments::SegmentsConfig cut = {},
                  hub::HubConfig hub_config = {})
      : Studio(std::move(cut), hub_config), context{cores,   hub,          router,
                                                    library, Studio::disk, config_of(section)} {
    on(0, [&] { group.spawn(keep_service(module.start(context), service)); });
    EXPECT_TRUE(service);
    segments::add_routes(router, library);
  }
  ~Server() {
    on(0, [&] {
      library.release_waiting();
      group.spawn((*service)->stop());
    });
    EXPECT_TRUE(eventually([&] { return group.running() == 0; }));
    on(0, [&] { service->reset(); });
  }
  // "/live/s/v1.m3u8?_HLS_msn=7"
  AnswerPtr get(std::string target) {
    auto answer = std::make_shared<Answer>();
    on(0, [&] {
      const std::string& kept = targets.emplace_back(std::move(target));
      auto& request = *requests.emplace_back(std::make_unique<net::http::Request>());
      const size_t end = std::min(kept.find('?'), kept.size());
      request.path = std::string_view(kept).substr(0, end);
      if (end < kept.size()) request.query = std::string_view(kept).substr(end + 1);
      request.peer_address = "10.0.0.1";
      const auto match = router.find(request);
      ASSERT_TRUE(match.handler) << kept;
      if (match.handler->sync) {
        answer->response = match.handler->sync(request);
        answer->done = true;
      } else {
        group.spawn(keep_answer(match.handler->async(request), answer));
      }
    });
    return answer;
  }
  int status(std::string target) {
    const auto a = get(std::move(target));
    EXPECT_TRUE(a->done);
    return a->status();
  }
  ReadPlaylist playlist(std::string target) {
    const auto a = get(std::move(target));
    EXPECT_TRUE(a->done);
    EXPECT_EQ(a->status(), 200) << a->text();
    return read(a->text());
  }

  net::http::Router router;
  service::Context context;
  service::Started service = fail(Code::internal, "not started");
  std::deque<std::string> targets;
  std::vector<std::unique_ptr<net::http::Request>> requests;
};

}  // namespace weir::hls::fixture
