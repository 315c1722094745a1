// Weir live-streaming server. MIT licence, see LICENSE.
#include "load/waiters.h"

#include "load/console.h"

namespace weir::bench {
namespace {

// What the server may need to take in all requests: they are waiting then.
constexpr Time kTakenIn = 50ms;
constexpr int kOk = 200;

}  // namespace

class Waiters::Waiter final : public Asker {
 public:
  Waiter(Loop& loop, Waiters& all) : Asker(loop, all.traffic_), all_(all) {}
  using Asker::ask;

 private:
  void connected() override { ++all_.connected_; }
  void answered(const AnswerSkim& answer, Time now) override { all_.answered(answer, now); }

  Waiters& all_;
};

void RoundFigures::add(const Round& round, Time birth) {
  if (round.wrong > 0 || round.asked + kTakenIn > birth) {
    ++left_out;
    return;
  }
  Samples delays;
  for (const Time t : round.answers) delays.add(t - birth);
  p50.add(delays.quantile(.5));
  p99.add(delays.quantile(.99));
  last.add(delays.quantile(1));
}

Waiters::Waiters(Loop& loop, const Address& server, Lane& lane, WaitFor what, size_t count)
    : loop_(loop), server_(server), lane_(lane), what_(what), count_(count) {}

Waiters::~Waiters() = default;

bool Waiters::ready() const { return connected_ == count_; }

void Waiters::go_on(const Player& timekeeper) {
  connect();
  settle();
  if (waiting_ && round_.answers.size() + traffic_.ended >= count_) {
    waiting_ = false;
    over_.push_back(std::move(round_));
  }
  if (!waiting_ && ready() && timekeeper.hint() != round_.id && !timekeeper.hint_name().empty())
    begin(timekeeper);
}

void Waiters::connect() {
  while (waiters_.size() < count_ && waiters_.size() - connected_ < kAtOnce + traffic_.ended) {
    waiters_.push_back(std::make_unique<Waiter>(loop_, *this));
    waiters_.back()->start(server_, source_of(waiters_.size()));
  }
}

void Waiters::begin(const Player& timekeeper) {
  waiting_ = true;
  round_ = {.id = timekeeper.hint(), .name = timekeeper.hint_name()};
  round_.answers.reserve(count_);
  const bool bytes = what_ == WaitFor::bytes;
  const std::string request =
      bytes ? lane_.media_request(round_.name) : lane_.reload_request(round_.id);
  for (const auto& waiter : waiters_)
    if (!waiter->ended())
      waiter->ask(request, bytes ? AnswerSkim::Body::counted : AnswerSkim::Body::kept);
  round_.asked = monotonic();
}

void Waiters::answered(const AnswerSkim& answer, Time now) {
  round_.answers.push_back(now);
  bool right = answer.status() == kOk;
  if (right && what_ == WaitFor::playlist) {
    const ByteSpan body = answer.body();
    const std::string_view text(reinterpret_cast<const char*>(body.data()), body.size());
    // It was the hint of the list before, it is a part in this one; near the end, so this is quick.
    const size_t hint = text.rfind("#EXT-X-PRELOAD-HINT");
    right = text.substr(0, hint).rfind(round_.name) != text.npos;
  }
  if (!right) ++round_.wrong;
}

void Waiters::settle() {
  std::erase_if(over_, [this](const Round& round) {
    if (const auto birth = lane_.birth(round.id)) {
      figures_.add(round, *birth);
      return true;
    }
    // The part behind it is there and nobody saw a stamp, or it never came.
    const bool lost = lane_.has(lane_.end() - 3) && lane_.part(lane_.end() - 3).id > round.id;
    if (lost) ++figures_.left_out;
    return lost;
  });
}

}  // namespace weir::bench
