// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/files.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace weir::hls {
namespace {

// Waits of the directory end by themselves only: so long a stop may take.
constexpr Time kPatience = 250ms;
constexpr Time kMoment = 25ms;
constexpr int kMostTries = 80;  // moments for an ended stream to write its last

// The first of the window that is still to be written: of a live stream nothing that the list would
// drop at once, so that a slow disk skips.
size_t first_new(const segments::Window& w, uint64_t after, Time window, bool skip) {
  const auto& all = *w.segments;
  size_t first = all.size();
  Time sum{};
  while (first > 0 && all[first - 1]->number > after) {
    sum += all[first - 1]->duration;
    if (skip && first < all.size() && sum > window) break;
    --first;
  }
  return first;
}

bool has_new(const segments::View& v, uint64_t after) {
  return v.ts && !v.ts->segments->empty() && v.ts->segments->back()->number > after;
}

// Whether the target duration may be fixed: it is measured by then, and what was cut so far is
// still there to begin with.
bool is_ripe(const segments::View& v) {
  if (!v.nothing.empty() || v.ts) return true;
  return std::ranges::any_of(v.lanes, [](const auto& lane) { return !lane->segments->empty(); });
}

}  // namespace

struct Files::Local {
  explicit Local(net::Core& core) : group(core), stopped(core) {}
  net::TaskGroup group;
  net::Signal stopped;
  bool stopping = false;
  std::set<StreamKey> live;  // those that have not ended
};

// Whose turn it is to write a stream's files. One that ended lingers while the next of its name
// begins, perhaps on another core: the younger one has the files, the older leaves them alone.
struct Files::Turn {
  std::mutex mutex;  // held in the blocking pool only, while files are written
  uint64_t newest = 0;
  std::atomic<int> writing = 0;  // streams that have segments to come
};

// While a stream has segments to come: the next of its name begins after the last of them.
class Files::Writing {
 public:
  explicit Writing(std::shared_ptr<Turn> turn) : turn_(std::move(turn)) { ++turn_->writing; }
  Writing(const Writing&) = delete;
  ~Writing() { --turn_->writing; }

 private:
  std::shared_ptr<Turn> turn_;
};

// One stream, in the frame of serve().
struct Files::Stream {
  StreamKey key;
  std::shared_ptr<const HlsConfig> config;
  FolderWriter writer;
  std::shared_ptr<Turn> turn;
  uint64_t owner = 0;
  uint64_t written = 0;  // number of the newest segment that is on disk or given up
  bool failing = false;
  bool replaced = false;  // a younger stream has the files
  bool warned = false;    // that nothing can be written
};

Files::Files(hub::Hub& hub, net::BlockingPool& disk, const segments::Library& library,
             std::shared_ptr<const HlsConfig> config)
    : hub_(hub), disk_(disk), library_(library) {
  net::Cores& cores = hub.cores();
  for (int i = 0; i < cores.size(); ++i) locals_.push_back(std::make_unique<Local>(cores[i]));
  configs_.assign(locals_.size(), config);
}

Files::~Files() = default;

Files::Local* Files::local() {
  return locals_[static_cast<size_t>(net::Core::here().index())].get();
}

void Files::on_published(const StreamKey& key, const hub::PeerPtr&) {
  Local* l = local();
  const auto& config = configs_[static_cast<size_t>(net::Core::here().index())];
  // A publisher that returned finds its stream followed already.
  if (!l || l->stopping || config->path.empty() || l->live.contains(key)) return;
  l->live.insert(key);
  l->group.spawn(serve(*l, key, config));
}

void Files::on_ended(const StreamKey& key) {
  if (Local* l = local()) l->live.erase(key);
}

void Files::reconfigure(std::shared_ptr<const HlsConfig> config) {
  net::Cores& cores = hub_.cores();
  for (int i = 0; i < cores.size(); ++i)
    cores[i].post([this, i, config] { configs_[static_cast<size_t>(i)] = config; });
}

std::shared_ptr<Files::Turn> Files::turn_of(const StreamKey& key) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(turns_, [](const auto& t) { return t.second.expired(); });
  auto& known = turns_[key];
  auto turn = known.lock();
  if (!turn) known = turn = std::make_shared<Turn>();
  return turn;
}

net::Task<> Files::serve(Local& local, StreamKey key, std::shared_ptr<const HlsConfig> config) {
  auto layout = layout_of(*config, key);
  if (!layout) {
    log_.warn("{}: no files: {}", key.to_string(), layout.error().what);
    co_return;
  }
  const segments::ViewPtr first = co_await first_view(local, key);
  if (!first) co_return;
  Stream stream{.key = key,
                .config = config,
                .writer = FolderWriter(*std::move(layout), config),
                .turn = turn_of(key),
                .owner = first->owner};
  local.group.spawn(demand(local, key, stream.owner));
  for (int i = 0; i < kMostTries && stream.turn->writing > 0 && !local.stopping; ++i)
    co_await local.stopped.wait_for(kMoment);
  {
    const Writing writing(stream.turn);
    auto begin = [&writer = stream.writer] { return writer.begin(); };
    report(stream, co_await on_disk(stream, std::move(begin)));
    co_await follow(local, stream);
    if (local.stopping || stream.replaced) co_return;
    auto finish = [&writer = stream.writer] { return writer.finish(); };
    report(stream, co_await on_disk(stream, std::move(finish)));
  }
  co_await bury(local, stream);
}

// The library hears of the stream when we do, before or after; what it has of an earlier stream of
// this name has ended.
net::Task<segments::ViewPtr> Files::first_view(Local& local, StreamKey key) {
  const auto earlier = library_.directory().find(key);
  const uint64_t old = earlier && earlier->ended ? earlier->owner : 0;
  while (!local.stopping) {
    const bool over = !local.live.contains(key);
    const auto view = library_.directory().find(key);
    if (view && view->owner != old) co_return view;
    if (over) break;
    co_await local.stopped.wait_for(kMoment);
  }
  co_return nullptr;
}

// Apart from the writing, since what the library keeps to begin with is two segments: a disk that
// is slow to begin must not cost the stream's first.
net::Task<> Files::demand(Local& local, StreamKey key, uint64_t owner) {
  while (!local.stopping) {
    segments::Directory::Predicate done = [](const segments::View& v) {
      return v.ended || is_ripe(v);
    };
    co_await library_.directory().wait(key, "", kPatience, std::move(done));
    const segments::ViewPtr view = library_.directory().find(key);
    if (!view || view->owner != owner || view->ended) co_return;
    if (is_ripe(*view)) co_return library_.demand(key, segments::Demand::ts);
    // A directory that waits for nothing any more, at the end of the process, must not keep this
    // core busy; nor below.
    if (!local.stopping) co_await local.stopped.wait_for(kMoment);
  }
}

net::Task<> Files::follow(Local& local, Stream& stream) {
  while (!local.stopping && !stream.replaced) {
    const uint64_t after = stream.written;
    segments::Directory::Predicate done = [after](const segments::View& v) {
      return v.ended || has_new(v, after);
    };
    co_await library_.directory().wait(stream.key, "ts", kPatience, std::move(done));
    const segments::ViewPtr view = library_.directory().find(stream.key);
    if (!view || view->owner != stream.owner) co_return;
    if (!view->no_ts.empty() && !view->ended && !std::exchange(stream.warned, true))
      log_.warn("{}: no files: {}", stream.key.to_string(), view->no_ts);
    const bool all = has_new(*view, after) && co_await write_new(local, stream, view);
    if (view->ended) co_return;
    // What failed is tried again with the next segment, or a little later.
    if (!all && !local.stopping)
      co_await local.stopped.wait_for(stream.failing ? kPatience : kMoment);
  }
}

// False when the disk did not take everything.
net::Task<bool> Files::write_new(Local& local, Stream& stream, segments::ViewPtr view) {
  if (!view->ts) co_return true;
  const bool skip = stream.config->type == PlaylistType::live;
  const auto& all = *view->ts->segments;
  size_t i = first_new(*view->ts, stream.written, stream.config->window, skip);
  for (; i < all.size() && !local.stopping && !stream.replaced; ++i) {
    const bool done = all[i]->gap || co_await write(stream, all[i], view);
    if (!done) co_return false;
    stream.written = all[i]->number;
  }
  co_return true;
}

net::Task<bool> Files::write(Stream& stream, segments::SegmentPtr segment, segments::ViewPtr view) {
  std::vector<Bytes> content;
  if (segment->content) {
    content = segment->content->body();
  } else {
    auto read = co_await library_.read(segment);
    // Gone meanwhile: the next one will tell by its number.
    if (!read) co_return true;
    content = (*read)->body();
  }
  const Fragment fragment{.number = segment->number,
                          .start = segment->start,
                          .wall = segment->wall,
                          .duration = segment->duration,
                          .discontinuity = segment->discontinuity};
  const Time target = view->ts->target_duration;
  FolderWriter& writer = stream.writer;
  auto job = [&writer, fragment, content = std::move(content), target,
              rates = bandwidths(stream, view)]() -> Result<> {
    TRY(writer.add(fragment, content, target));
    return writer.write_master(rates);
  };
  const Result<> done = co_await on_disk(stream, std::move(job));
  report(stream, done);
  co_return done.has_value();
}

// Ended for good: as cache managers do it, playlists stay for one window, the rest for two.
net::Task<> Files::bury(Local& local, Stream& stream) {
  if (!stream.config->cleanup || stream.config->type != PlaylistType::live) co_return;
  const Time window = stream.config->window;
  if (!local.stopping) co_await local.stopped.wait_for(window);
  if (local.stopping) co_return;
  auto retire = [&writer = stream.writer] {
    writer.retire();
    return Result<>{};
  };
  (void)co_await on_disk(stream, std::move(retire));
  if (!local.stopping && !stream.replaced) co_await local.stopped.wait_for(window);
  if (local.stopping || stream.replaced) co_return;
  auto remove = [&writer = stream.writer] { return writer.remove(); };
  const Result<> gone = co_await on_disk(stream, std::move(remove));
  if (!gone && !stream.replaced)
    log_.warn("{}: files are left: {}", stream.key.to_string(), gone.error().what);
}

net::Task<Result<>> Files::on_disk(Stream& stream, std::move_only_function<Result<>()> work) {
  auto job = [turn = stream.turn, owner = stream.owner, work = std::move(work)]() mutable {
    const std::scoped_lock lock(turn->mutex);
    if (turn->newest > owner) return Result<>(fail(Code::busy, "a younger stream has the files"));
    turn->newest = owner;
    return work();
  };
  Result<> done = co_await disk_.run(std::move(job));
  if (!done && done.error().code == Code::busy) stream.replaced = true;
  co_return done;
}

void Files::report(Stream& stream, const Result<>& done) {
  if (stream.replaced) return;
  if (!done && !stream.failing)
    log_.warn("{}: files are not written: {}", stream.key.to_string(), done.error().what);
  if (done && stream.failing) log_.info("{}: files are written again", stream.key.to_string());
  stream.failing = !done;
}

// What the master says of each variant: as measured while it is live, else as this stream's.
std::vector<uint64_t> Files::bandwidths(const Stream& stream, const segments::ViewPtr& mine) const {
  std::vector<uint64_t> rates;
  for (const auto& r : stream.writer.layout().renditions) {
    const auto view = library_.directory().find(r.key);
    rates.push_back(view && view->ts ? view->ts->peak_rate : mine->ts->peak_rate);
  }
  return rates;
}

net::Task<> Files::stop() {
  net::Core& mine = net::Core::here();
  net::Cores& cores = hub_.cores();
  for (int i = 0; i < cores.size(); ++i) {
    if (&cores[i] != &net::Core::here()) co_await net::on(cores[i]);
    auto& slot = locals_[static_cast<size_t>(i)];
    if (!slot) continue;
    slot->stopping = true;
    slot->stopped.notify();
    co_await slot->group.close();
    slot.reset();  // here, where its group and signal live
  }
  if (&mine != &net::Core::here()) co_await net::on(mine);
}

}  // namespace weir::hls
