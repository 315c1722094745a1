// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/disk_playlist.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "protocols/hls/keys.h"

namespace weir::hls {
namespace {

constexpr size_t kMostText = 32u << 20;
constexpr uint64_t kMostNumber = uint64_t{1} << 62;  // far from where adding one would wrap

int64_t milliseconds(Time t) { return std::chrono::round<std::chrono::milliseconds>(t).count(); }

std::unexpected<Error> bad(std::string_view what) {
  return fail(Code::protocol, "playlist: " + std::string(what));
}

std::optional<uint64_t> number(std::string_view text, uint64_t limit = kMostNumber) {
  uint64_t n = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, n);
  if (error != std::errc() || stop != end || n > limit) return {};
  return n;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// "2.000" of "#EXTINF:2.000,": whole milliseconds, as we write them.
std::optional<Time> duration_of(std::string_view text) {
  const auto dot = text.find('.');
  const auto whole = number(text.substr(0, dot), 99'999);
  if (!whole) return {};
  uint64_t ms = *whole * 1000;
  if (dot != std::string_view::npos) {
    const std::string_view decimals = text.substr(dot + 1);
    const auto part = number(decimals);
    if (decimals.size() != 3 || !part) return {};
    ms += *part;
  }
  return std::chrono::milliseconds(ms);
}

// "2026-11-21T08:15:30.123Z", from 1970 to where WallTime ends.
std::optional<WallTime> wall_of(std::string_view t) {
  static constexpr std::string_view kForm = "0000-00-00T00:00:00.000Z";
  if (t.size() != kForm.size()) return {};
  for (size_t i = 0; i < t.size(); ++i) {
    const bool digit = t[i] >= '0' && t[i] <= '9';
    if (kForm[i] == '0' ? !digit : t[i] != kForm[i]) return {};
  }
  const auto at = [&](size_t from, size_t count) {
    return static_cast<unsigned>(*number(t.substr(from, count)));
  };
  const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(at(0, 4))),
                                        std::chrono::month(at(5, 2)), std::chrono::day(at(8, 2))};
  if (!day.ok() || at(0, 4) < 1970 || at(0, 4) > 2261) return {};
  if (at(11, 2) > 23 || at(14, 2) > 59 || at(17, 2) > 59) return {};
  return WallTime(std::chrono::sys_days(day).time_since_epoch()) + std::chrono::hours(at(11, 2)) +
         std::chrono::minutes(at(14, 2)) + std::chrono::seconds(at(17, 2)) +
         std::chrono::milliseconds(at(20, 3));
}

// The number in ".../foo-17.ts".
std::optional<uint64_t> id_of(std::string_view url, std::string_view name,
                              std::string_view ending) {
  if (const auto slash = url.rfind('/'); slash != std::string_view::npos)
    url.remove_prefix(slash + 1);
  if (!take(url, name) || !url.ends_with(ending)) return {};
  url.remove_suffix(ending.size());
  return number(url);
}

class Parser {
 public:
  explicit Parser(std::string_view name) : name_(name) {}

  Result<DiskPlaylist> parse(std::string_view text) {
    if (text.size() > kMostText) return fail(Code::limit, "playlist: too long");
    if (!take(text, "#EXTM3U\n")) return bad("no #EXTM3U");
    while (!text.empty()) {
      const auto end = text.find('\n');
      if (end == std::string_view::npos) return bad("the last line is not whole");
      TRY(line(text.substr(0, end)));
      text.remove_prefix(end + 1);
    }
    if (entry_.duration != 0ns || entry_.discontinuity) return bad("ends before its segment");
    return std::move(list_);
  }

 private:
  Result<> line(std::string_view l) {
    if (l.empty()) return {};
    if (!l.starts_with('#')) return segment(l);
    if (take(l, "#EXT-X-KEY:")) return key(l);
    if (l == "#EXT-X-DISCONTINUITY") {
      entry_.discontinuity = true;
    } else if (l == "#EXT-X-ENDLIST") {
      list_.ended = true;
    } else if (take(l, "#EXTINF:")) {
      const auto d = duration_of(l.substr(0, l.find(',')));
      if (!d || *d == 0ns) return bad("bad duration");
      entry_.duration = *d;
    } else if (take(l, "#EXT-X-PROGRAM-DATE-TIME:")) {
      if (!(entry_.wall = wall_of(l))) return bad("bad date");
    } else {
      return header(l);
    }
    return {};
  }

  // What concerns the whole list; lines nobody knows are left out.
  Result<> header(std::string_view l) {
    std::optional<uint64_t> n = 0;
    if (take(l, "#EXT-X-MEDIA-SEQUENCE:")) {
      if ((n = number(l))) list_.sequence = *n;
    } else if (take(l, "#EXT-X-DISCONTINUITY-SEQUENCE:")) {
      if ((n = number(l))) list_.discontinuity_sequence = *n;
    } else if (take(l, "#EXT-X-TARGETDURATION:")) {
      if ((n = number(l, 99'999))) list_.target = std::chrono::seconds(*n);
    } else if (l == "#EXT-X-PLAYLIST-TYPE:EVENT") {
      list_.event = true;
    }
    if (!n) return bad("bad number");
    return {};
  }

  Result<> key(std::string_view l) {
    if (l == "METHOD=NONE") {
      key_.reset();
      return {};
    }
    if (!take(l, "METHOD=AES-128,URI=\"")) return bad("a key that is not ours");
    const auto quote = l.find('"');
    if (quote == std::string_view::npos) return bad("a key that is not ours");
    key_ = id_of(l.substr(0, quote), name_, ".key");
    if (!key_ || l.substr(quote) != "\",IV=0x" + iv_text(*key_))
      return bad("a key that is not ours");
    return {};
  }

  Result<> segment(std::string_view url) {
    const auto id = id_of(url, name_, ".ts");
    if (!id) return bad("a segment that is not ours");
    if (entry_.duration == 0ns) return bad("a segment without duration");
    if (list_.entries.size() == DiskPlaylist::kMostEntries)
      return fail(Code::limit, "playlist: too many segments");
    entry_.id = *id;
    entry_.key = key_;
    list_.entries.push_back(std::exchange(entry_, {}));
    return {};
  }

  std::string_view name_;
  DiskPlaylist list_;
  DiskEntry entry_;  // the one whose URL comes next
  std::optional<uint64_t> key_;
};

int64_t target_seconds(const DiskPlaylist& list) {
  Time longest = list.target;
  for (const auto& e : list.entries) longest = std::max(longest, e.duration);
  return std::max<int64_t>(1, std::chrono::round<std::chrono::seconds>(longest).count());
}

}  // namespace

Time DiskPlaylist::duration() const {
  Time sum{};
  for (const auto& e : entries) sum += e.duration;
  return sum;
}

DiskEntry DiskPlaylist::pop() {
  DiskEntry first = entries.front();
  entries.pop_front();
  ++sequence;
  if (first.discontinuity) ++discontinuity_sequence;
  return first;
}

std::string write_disk_playlist(const DiskPlaylist& list, const DiskUrls& urls) {
  std::string out;
  const auto to = std::back_inserter(out);
  fmt::format_to(to, "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-MEDIA-SEQUENCE:{}\n", list.sequence);
  fmt::format_to(to, "#EXT-X-TARGETDURATION:{}\n", target_seconds(list));
  if (list.discontinuity_sequence > 0)
    fmt::format_to(to, "#EXT-X-DISCONTINUITY-SEQUENCE:{}\n", list.discontinuity_sequence);
  if (list.event) out += "#EXT-X-PLAYLIST-TYPE:EVENT\n";
  std::optional<uint64_t> key;
  for (const auto& e : list.entries) {
    if (e.discontinuity) out += "#EXT-X-DISCONTINUITY\n";
    if (e.key != key) {
      key = e.key;
      if (key)
        fmt::format_to(to, "#EXT-X-KEY:METHOD=AES-128,URI=\"{}{}.key\",IV=0x{}\n", urls.key, *key,
                       iv_text(*key));
      else
        out += "#EXT-X-KEY:METHOD=NONE\n";
    }
    if (e.wall) fmt::format_to(to, "#EXT-X-PROGRAM-DATE-TIME:{}\n", format_utc(*e.wall));
    const int64_t ms = milliseconds(e.duration);
    fmt::format_to(to, "#EXTINF:{}.{:03},\n{}{}.ts\n", ms / 1000, ms % 1000, urls.segment, e.id);
  }
  if (list.ended) out += "#EXT-X-ENDLIST\n";
  return out;
}

Result<DiskPlaylist> parse_disk_playlist(std::string_view text, std::string_view name) {
  return Parser(name).parse(text);
}

std::string write_master(std::span<const MasterEntry> entries) {
  std::string out = "#EXTM3U\n#EXT-X-VERSION:3\n";
  const auto to = std::back_inserter(out);
  for (const auto& e : entries) {
    out += "#EXT-X-STREAM-INF:PROGRAM-ID=1";
    // RFC 8216 4.3.4.2: every EXT-X-STREAM-INF has a BANDWIDTH.
    if (std::ranges::find(e.attributes, "BANDWIDTH", &Attribute::name) == e.attributes.end())
      fmt::format_to(to, ",BANDWIDTH={}", e.bandwidth);
    for (const auto& [name, value] : e.attributes) fmt::format_to(to, ",{}={}", name, value);
    out += "\n" + e.url + "\n";
  }
  return out;
}

}  // namespace weir::hls
