// Weir live-streaming server. MIT licence, see LICENSE.

// The MPD text of a stream: Periods as planned, segments as listed. Pure. ISO/IEC 23009-1:2022 5
// (elements and attributes), annex K (service description), 5.8.5.7 (UTCTiming); DASH-IF IOP part 5
// (low latency by chunked transfer). What players make of each attribute is in README.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocols/dash/periods.h"

namespace weir::dash {

inline constexpr std::string_view kMpdType = "application/dash+xml";

struct MpdOptions {
  Time latency{1500ms};
  Time rewind{std::chrono::minutes{10}};
  std::string_view time_url = "/api/v1/utc";  // answers with an xs:dateTime
};

// Empty when no Period has anything to play yet. `sources`: those the Periods were planned from.
std::string write_mpd(const Sources& sources, const std::vector<Period>& periods,
                      const MpdOptions& options, WallTime published);

// "PT3723.25S"; whole microseconds.
std::string xs_duration(Time);
// As an attribute's value.
std::string xml_escape(std::string_view);

}  // namespace weir::dash
