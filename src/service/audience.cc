// Weir live-streaming server. MIT licence, see LICENSE.
#include "service/audience.h"

namespace weir::service {
namespace {

// A player asks for the playlist every segment or so; it is reported this often and gone after that
// long.
constexpr Time kReport = 5s, kGone = 15s, kLook = 2s;
// Beyond this nobody new is remembered on a core: a flood of made-up agents costs bounded memory.
constexpr size_t kMost = 100'000;

}  // namespace

Audience::Audience(hub::Hub& hub, std::string protocol)
    : hub_(hub),
      protocol_(std::move(protocol)),
      locals_(static_cast<size_t>(hub.cores().size())),
      count_(std::make_shared<Count>()),
      timer_(hub.cores()[0], [this] { expire(); }) {
  timer_.arm_after(kLook);
}

void Audience::seen(const StreamKey& key, std::string_view address, std::string_view user_agent) {
  net::Core& here = net::Core::here();
  Local& local = locals_[static_cast<size_t>(here.index())];
  auto& reported = local.reported;
  const std::hash<std::string_view> text;
  const uint64_t who = (std::hash<StreamKey>{}(key)*31 + text(address)) * 31 + text(user_agent);
  const Time now = here.now();
  if (now - local.cleaned > kGone) {
    local.cleaned = now;
    std::erase_if(reported, [&](const auto& r) { return now - r.second > kGone; });
  }
  if (const auto it = reported.find(who); it != reported.end()) {
    if (now - it->second < kReport) return;
    it->second = now;
  } else {
    if (reported.size() >= kMost) return;
    reported.emplace(who, now);
  }
  hub_.cores()[0].post([count = count_, key, who] {
    if (count->stopped) return;
    auto& viewers = count->viewers[key];
    if (viewers.size() < kMost || viewers.contains(who)) viewers[who] = net::Core::here().now();
  });
}

void Audience::expire() {
  const Time now = net::Core::here().now();
  for (auto it = count_->viewers.begin(); it != count_->viewers.end();) {
    auto& viewers = it->second;
    std::erase_if(viewers, [&](const auto& v) { return now - v.second > kGone; });
    hub_.set_audience(it->first, protocol_, viewers.size());
    it = viewers.empty() ? count_->viewers.erase(it) : std::next(it);
  }
  timer_.arm_after(kLook);
}

void Audience::stop() {
  count_->stopped = true;
  timer_.cancel();
}

}  // namespace weir::service
