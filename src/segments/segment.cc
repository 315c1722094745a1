// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/segment.h"

#include <algorithm>
#include <charconv>

namespace weir::segments {
namespace {

// What a double holds exactly: players count in those.
constexpr uint64_t kMaxNumber = uint64_t{1} << 53;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<uint64_t> parse_number(std::string_view in) {
  if (in.empty() || in.size() > 16 || (in.size() > 1 && in[0] == '0')) return {};
  if (!std::ranges::all_of(in, is_digit)) return {};
  uint64_t n = 0;
  std::from_chars(in.data(), in.data() + in.size(), n);
  if (n > kMaxNumber) return {};
  return n;
}

bool is_token(std::string_view in) {
  return !in.empty() &&
         std::ranges::all_of(in, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); });
}

bool is_lane(std::string_view in) {
  return in.size() >= 2 && (in[0] == 'v' || in[0] == 'a') &&
         std::ranges::all_of(in.substr(1), is_digit);
}

// What stands before the first `separator`, which goes too; empty when there is none.
std::string_view cut_before(std::string_view& in, char separator) {
  const size_t at = in.find(separator);
  if (at == in.npos) return {};
  const std::string_view before = in.substr(0, at);
  in.remove_prefix(at + 1);
  return before;
}

bool cut_suffix(std::string_view& in, std::string_view suffix) {
  if (!in.ends_with(suffix)) return false;
  in.remove_suffix(suffix.size());
  return true;
}

bool read_number(std::string_view in, uint64_t& out) {
  const auto number = parse_number(in);
  out = number.value_or(0);
  return number.has_value();
}

// "4-17" or "4-17.3".
bool parse_segment(std::string_view in, MediaName& name) {
  if (!read_number(cut_before(in, '-'), name.init_number)) return false;
  if (!in.contains('.')) return read_number(in, name.number);
  if (!read_number(cut_before(in, '.'), name.number)) return false;
  name.part = parse_number(in);
  return name.part.has_value();
}

std::string media_name(std::string_view token, std::string_view lane, uint64_t init,
                       uint64_t number) {
  std::string s(token);
  s.append("-").append(lane).append("-").append(std::to_string(init));
  return s.append("-").append(std::to_string(number));
}

}  // namespace

const SegmentPtr* Window::find(uint64_t number) const {
  if (segments->empty()) return nullptr;
  const uint64_t first = segments->front()->number;
  if (number < first || number - first >= segments->size()) return nullptr;
  return &(*segments)[number - first];
}

bool Window::has_segment(uint64_t number) const {
  if (open) return number < open->number;
  return !segments->empty() && number <= segments->back()->number;
}

bool Window::has_part(uint64_t number, size_t part) const {
  return has_segment(number) || (open && number == open->number && part < open->parts.size());
}

std::string segment_name(std::string_view token, std::string_view lane, uint64_t init,
                         uint64_t number) {
  if (lane != "ts") return media_name(token, lane, init, number).append(".m4s");
  return std::string(token).append("-").append(std::to_string(number)).append(".ts");
}

std::string part_name(std::string_view token, std::string_view lane, uint64_t init, uint64_t number,
                      size_t part) {
  std::string s = media_name(token, lane, init, number);
  return s.append(".").append(std::to_string(part)).append(".m4s");
}

std::string init_name(std::string_view token, std::string_view lane, uint64_t init) {
  std::string s(token);
  return s.append("-").append(lane).append("-i").append(std::to_string(init)).append(".mp4");
}

std::optional<MediaName> parse_media_name(std::string_view in) {
  MediaName name;
  const bool ts = cut_suffix(in, ".ts");
  if (!ts && cut_suffix(in, ".mp4"))
    name.init = true;
  else if (!ts && !cut_suffix(in, ".m4s"))
    return {};
  name.token = cut_before(in, '-');
  if (!is_token(name.token)) return {};
  name.lane = ts ? "ts" : cut_before(in, '-');
  if (!ts && !is_lane(name.lane)) return {};
  if (!ts && !name.init) return parse_segment(in, name) ? std::optional(name) : std::nullopt;
  if (name.init) {
    if (!in.starts_with('i')) return {};
    in.remove_prefix(1);
  }
  if (!read_number(in, name.init ? name.init_number : name.number)) return {};
  return name;
}

uint64_t bit_rate(uint64_t bytes, Time duration) {
  if (duration <= 0ns) return 0;
  using Wide = unsigned __int128;
  const auto ns = static_cast<Wide>(duration.count());
  const Wide rate = (static_cast<Wide>(bytes) * 8 * 1'000'000'000 + ns - 1) / ns;
  return static_cast<uint64_t>(std::min<Wide>(rate, UINT64_MAX));
}

}  // namespace weir::segments
