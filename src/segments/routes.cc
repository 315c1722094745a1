// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/routes.h"

#include <algorithm>

namespace weir::segments {
namespace {

using net::http::ContentPtr;
using net::http::Request;
using net::http::Response;

// Longer than manifests say they are good for.
constexpr Time kOldManifest = 3s;
constexpr std::string_view kOtherMedia = "other media begins there; ask again with its header";

// What a request is about, found once; the texts are copied, for the request may wait.
struct Wanted {
  StreamKey key;
  std::string lane;
  MediaName name;  // its views are of no use after parsing
  std::string text;
};

Response none(const Wanted& w, std::string_view why) {
  return Response::error(404, w.key.to_string() + " has no " + w.text + ": " + std::string(why));
}

// Held in vain: its publisher may have been lost, and come back.
Response not_yet(const Wanted& w) {
  return Response::error(503, w.text + " has not come yet").with("Retry-After", "1");
}

// How long a request for what comes next is held: RFC 8216bis 6.2.5.2 says at least three target
// durations for playlists; whoever asks for media waits as long.
Time patience(const View& v) { return 3 * std::max<Time>(v.target_duration, 2s); }

std::string_view media_type(const Wanted& w) {
  return w.lane.starts_with('a') ? "audio/mp4" : "video/mp4";
}

ContentPtr init_content(const Window& lane, const std::string& text) {
  if (lane.open && lane.open->init && lane.open->init->name == text)
    return lane.open->init->content;
  const auto& all = *lane.segments;
  const auto found = std::find_if(all.rbegin(), all.rend(), [&](const SegmentPtr& s) {
    return s->init && s->init->name == text;
  });
  return found == all.rend() ? nullptr : (*found)->init->content;
}

// The part if it exists now.
ContentPtr part_content(const Window& lane, uint64_t number, size_t part) {
  const std::vector<PartPtr>* parts = nullptr;
  if (const SegmentPtr* s = lane.find(number)) parts = &(*s)->parts;
  if (lane.open && lane.open->number == number) parts = &lane.open->parts;
  return parts && part < parts->size() ? (*parts)[part]->content : nullptr;
}

// Only what comes next is held: a hint names no other (RFC 8216bis 4.4.5.3).
bool comes_next(const Window& lane, uint64_t number, size_t part) {
  if (lane.open && number == lane.open->number) return part == lane.open->parts.size();
  const uint64_t newest = lane.open                ? lane.open->number
                          : lane.segments->empty() ? 0
                                                   : lane.segments->back()->number;
  return newest > 0 && number == newest + 1 && part == 0;
}

// Whether the segment of that number needs another header than the name says: who asks holds that
// of an encoder before, and would feed it to the wrong decoder. Headers are numbered upwards, so
// that nothing which is still to begin needs an older one than the newest.
bool needs_other_header(const Window& lane, const MediaName& name) {
  const SegmentHead* head = lane.open ? &*lane.open : nullptr;
  if (!head && !lane.segments->empty()) head = lane.segments->back().get();
  if (!head) return false;
  if (name.number > head->number) return name.init_number < head->init_number();
  if (const SegmentPtr* s = lane.find(name.number)) head = s->get();
  return head->number == name.number && head->init_number() != name.init_number;
}

// The segment being made, as its parts appear.
class Growing final : public net::http::BodySource {
 public:
  Growing(const Directory& directory, Wanted wanted, uint64_t owner)
      : directory_(directory), wanted_(std::move(wanted)), owner_(owner) {}

  net::Task<Result<Bytes>> next() override {
    const uint64_t number = wanted_.name.number;
    const auto news = [this, number](const View& v) {
      const WindowPtr lane = v.lane(wanted_.lane);
      return v.owner != owner_ || !lane || lane->has_part(number, sent_);
    };
    const ViewPtr view = co_await directory_.wait(wanted_.key, wanted_.lane, 30s, news);
    const WindowPtr lane = view && view->owner == owner_ ? view->lane(wanted_.lane) : nullptr;
    if (!lane || !news(*view)) co_return fail(Code::closed, wanted_.text + " was not finished");
    if (const SegmentPtr* whole = lane->find(number)) co_return rest(**whole);
    if (const ContentPtr part = part_content(*lane, number, sent_)) {
      ++sent_;
      sent_bytes_ += part->size();
      co_return part->body().front();
    }
    co_return fail(Code::closed, wanted_.text + " is gone");
  }

 private:
  // Of the complete segment. One that left memory before this slow peer had it all must not end as
  // if it were whole.
  Result<Bytes> rest(const Segment& whole) {
    if (!whole.content) return fail(Code::closed, wanted_.text + " is gone");
    const Bytes left = whole.content->body().front().slice(sent_bytes_);
    sent_bytes_ += left.size();
    return left;
  }

  const Directory& directory_;
  Wanted wanted_;
  uint64_t owner_;
  size_t sent_ = 0, sent_bytes_ = 0;
};

// The rendition of this stream whose token the name bears.
std::optional<Wanted> look_up(const Library& library, const Request& r, std::string text) {
  const auto name = parse_media_name(text);
  if (!name) return std::nullopt;
  const StreamKey asked{std::string(r.param("app")), std::string(r.param("stream")), {}};
  for (const auto& [key, view] : library.directory().renditions(asked))
    if (view->token == name->token)
      return Wanted{key, std::string(name->lane), *name, std::move(text)};
  return std::nullopt;
}

Response not_there(const Request& r, const std::string& text) {
  return Response::error(404, std::string(r.param("app")) + "/" + std::string(r.param("stream")) +
                                  " has no " + text +
                                  "; old ones are gone, manifests list the "
                                  "newest");
}

net::Task<Response> complete(const Library& library, Wanted w, SegmentPtr segment) {
  if (segment->gap) co_return none(w, "nothing came in that time");
  if (segment->content) co_return Response(segment->content);
  auto read = co_await library.read(segment);
  if (read) co_return Response(*std::move(read));
  if (read.error().code == Code::not_found) co_return none(w, "old ones are gone");
  co_return Response::error(503, w.text + ": " + read.error().what).with("Retry-After", "1");
}

net::Task<Response> part(const Library& library, Wanted w) {
  const uint64_t number = w.name.number, index = *w.name.part;
  const auto there = [&w, number, index](const View& v) {
    const WindowPtr lane = v.lane(w.lane);
    return v.ended || (lane && lane->has_part(number, index));
  };
  ViewPtr view = library.directory().find(w.key);
  WindowPtr lane = view ? view->lane(w.lane) : nullptr;
  if (lane && !needs_other_header(*lane, w.name) && comes_next(*lane, number, index) &&
      !there(*view)) {
    view = co_await library.directory().wait(w.key, w.lane, patience(*view), there);
    lane = view ? view->lane(w.lane) : nullptr;
  }
  if (!lane) co_return none(w, "the stream is gone");
  if (needs_other_header(*lane, w.name)) co_return none(w, kOtherMedia);
  if (ContentPtr content = part_content(*lane, number, index))
    co_return Response(std::move(content));
  if (comes_next(*lane, number, index) && !there(*view)) co_return not_yet(w);
  co_return none(w, "its segment ended before it, or it is too old");
}

net::Task<Response> segment(const Library& library, Wanted w) {
  const uint64_t number = w.name.number;
  const auto begun = [&w, number](const View& v) {
    const WindowPtr lane = v.lane(w.lane);
    return v.ended ||
           (lane && (lane->has_segment(number) || (lane->open && lane->open->number >= number)));
  };
  ViewPtr view = library.directory().find(w.key);
  WindowPtr lane = view ? view->lane(w.lane) : nullptr;
  if (lane && !needs_other_header(*lane, w.name) && comes_next(*lane, number, 0) && !begun(*view)) {
    view = co_await library.directory().wait(w.key, w.lane, patience(*view), begun);
    lane = view ? view->lane(w.lane) : nullptr;
  }
  if (!lane) co_return none(w, "the stream is gone");
  if (needs_other_header(*lane, w.name)) {
    // Players that go by a template count on from a manifest that is a few seconds old. Refused at
    // once they ask again at once, and give up for good before they have the new manifest.
    co_await library.directory().wait(w.key, w.lane, kOldManifest,
                                      [](const View& v) { return v.ended; });
    co_return none(w, kOtherMedia);
  }
  if (const SegmentPtr* s = lane->find(number)) co_return co_await complete(library, w, *s);
  if (comes_next(*lane, number, 0) && !begun(*view)) co_return not_yet(w);
  if (!lane->open || lane->open->number != number) co_return none(w, "old ones are gone");
  const std::string type(media_type(w));
  co_return Response::stream(
      type, std::make_unique<Growing>(library.directory(), std::move(w), view->owner))
      .with("Cache-Control", std::string(net::http::kImmutable));
}

net::Task<Response> ready(Response r) { co_return std::move(r); }

net::Task<Response> answer(const Library& library, Request& r, std::string_view extension) {
  std::string text = std::string(r.param("name")) + std::string(extension);
  auto wanted = look_up(library, r, text);
  if (!wanted) return ready(not_there(r, text));
  if (wanted->name.part) return part(library, *std::move(wanted));
  if (!wanted->name.init) return segment(library, *std::move(wanted));
  const ViewPtr view = library.directory().find(wanted->key);
  const WindowPtr lane = view->lane(wanted->lane);
  ContentPtr content = lane ? init_content(*lane, text) : nullptr;
  return ready(content ? Response(std::move(content)) : not_there(r, text));
}

}  // namespace

void add_routes(net::http::Router& router, const Library& library) {
  for (const std::string_view extension : {".m4s", ".mp4", ".ts"})
    router.get("/{app...}/{stream}/{name}" + std::string(extension),
               [&library, extension](Request& r) { return answer(library, r, extension); });
}

}  // namespace weir::segments
