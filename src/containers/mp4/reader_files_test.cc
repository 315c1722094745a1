// Weir live-streaming server. MIT licence, see LICENSE.

// What ffmpeg writes, read by us and by ffprobe.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "containers/mp4/reader.h"

namespace weir::mp4 {
namespace {

using testing::ElementsAre;

std::string run(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return out;
  char buffer[4096];
  for (size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
  pclose(pipe);
  return out;
}

// A folder for ffmpeg's files, gone with the test. Without ffmpeg its tests skip.
class RealFiles : public testing::Test {
 protected:
  void SetUp() override {
    if (run("command -v ffmpeg && command -v ffprobe").empty()) GTEST_SKIP() << "needs ffmpeg";
    std::filesystem::create_directory(dir_);
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  std::string load(const std::string& name) const {
    std::stringstream out;
    out << std::ifstream(path(name), std::ios::binary).rdbuf();
    return out.str();
  }
  void ffmpeg(const std::string& options, const std::string& name) const {
    run("ffmpeg -hide_banner -loglevel error -y " + options + " " + path(name));
  }

  const std::filesystem::path dir_ =
      std::filesystem::temp_directory_path() / ("weir_mp4_reader_" + std::to_string(getpid()));
};

// "dts+duration/pts-dts key size@position", of each stream.
using Seen = std::map<size_t, std::vector<std::string>>;

void add(std::vector<std::string>& out, int64_t dts, int64_t duration, int64_t offset, bool key,
         int64_t size, int64_t position) {
  std::ostringstream line;
  line << dts << "+" << duration << "/" << offset << (key ? " K " : " _ ") << size << "@"
       << position;
  out.push_back(line.str());
}

Seen probe(const std::string& path) {
  std::istringstream lines(
      run("ffprobe -v error -ignore_editlist 1 -of compact=p=0 -show_entries "
          "packet=stream_index,pts,dts,duration,size,pos,flags " +
          path + " 2>&1"));
  Seen out;
  for (std::string line; std::getline(lines, line);) {
    std::map<std::string, std::string> fields;
    std::istringstream in(line);
    for (std::string field; std::getline(in, field, '|');)
      fields[field.substr(0, field.find('='))] = field.substr(field.find('=') + 1);
    if (line.empty()) continue;
    const auto number = [&](const char* name) { return std::atoll(fields[name].c_str()); };
    add(out[static_cast<size_t>(number("stream_index"))], number("dts"), number("duration"),
        number("pts") - number("dts"), fields["flags"][0] == 'K', number("size"), number("pos"));
  }
  return out;
}

// ffprobe lifts all presentation times of a track until none is in front of its decoding time.
std::map<uint32_t, int64_t> lifts(const std::vector<ReadChunk>& chunks) {
  std::map<uint32_t, int64_t> out;
  for (const auto& c : chunks)
    for (const auto& s : c.samples)
      out[c.track_id] = std::max(out[c.track_id], -s.composition_offset);
  return out;
}

Seen read(const std::string& file) {
  const auto header = read_header(as_bytes(file));
  if (!header) return {{0, {header.error().what}}};
  const auto chunks = read_chunks(*header, as_bytes(file));
  if (!chunks) return {{0, {chunks.error().what}}};
  auto lift = lifts(*chunks);
  Seen out;
  for (const auto& c : *chunks)
    for (const auto& s : c.samples) {
      size_t track = 0;
      while (header->tracks[track].track_id != c.track_id) ++track;
      add(out[track], static_cast<int64_t>(s.decode_time), s.duration,
          s.composition_offset + lift[c.track_id], s.sync(), static_cast<int64_t>(s.payload.size()),
          s.payload.data() - as_bytes(file).data());
    }
  return out;
}

// ffprobe changes the durations of sound at both ends for what an encoder puts in front and a frame
// that is not full.
std::string without_duration(std::string line) {
  return line.erase(line.find('+'), line.find('/') - line.find('+'));
}

// The first line that differs, rather than hundreds that do not.
void expect_same(Seen actual, Seen expected, const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (auto& [stream, lines] : expected) {
    auto& ours = actual.at(stream);
    ASSERT_EQ(ours.size(), lines.size()) << what << ", stream " << stream << ": " << ours[0];
    for (auto* all : {&ours, &lines}) {
      all->front() = without_duration(all->front());
      all->back() = without_duration(all->back());
    }
    for (size_t i = 0; i < lines.size(); ++i) {
      // ffmpeg cannot know how long the last frame of a fragment is, ffprobe guesses.
      if (ours[i].find("+0/") != std::string::npos) {
        ours[i] = without_duration(ours[i]);
        lines[i] = without_duration(lines[i]);
      }
      ASSERT_EQ(ours[i], lines[i]) << what << ", stream " << stream << ", packet " << i;
    }
  }
}

const char* kSource =
    "-f lavfi -i testsrc2=size=160x90:rate=25 -f lavfi -i sine=frequency=440:sample_rate=48000 "
    "-t 2.5 -c:v libx264 -preset ultrafast -bf 2 -g 25 -sc_threshold 0 -c:a aac ";

TEST_F(RealFiles, EverySampleAsFfprobeSeesIt) {
  for (const std::string options : {
           "-movflags frag_keyframe+empty_moov+default_base_moof",
           "-movflags frag_keyframe+empty_moov+default_base_moof+separate_moof",
           "-movflags frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets",
           "-movflags frag_keyframe+empty_moov",                   // base-data-offset
           "-movflags frag_keyframe+empty_moov+omit_tfhd_offset",  // implied bases
           "-movflags frag_keyframe+delay_moov+default_base_moof+global_sidx",
           "-movflags frag_every_frame+empty_moov+default_base_moof",
           "-movflags cmaf+frag_keyframe -frag_duration 200000",
       }) {
    ffmpeg(kSource + options, "real.mp4");
    const auto expected = probe(path("real.mp4"));
    ASSERT_EQ(expected.size(), 2u) << options;
    EXPECT_GE(expected.at(0).size(), 60u) << options;
    EXPECT_GE(expected.at(1).size(), 110u) << options;
    expect_same(read(load("real.mp4")), expected, options);
  }
}

TEST_F(RealFiles, SegmentsOfAManifest) {
  ffmpeg(kSource + std::string("-f dash -seg_duration 1 -streaming 1 -init_seg_name 'i$Repre"
                               "sentationID$' -media_seg_name 's$RepresentationID$-$Number$'"),
         "list.mpd");
  for (const std::string track : {"0", "1"}) {
    const std::string init = load("i" + track);
    const auto header = read_header(as_bytes(init));
    ASSERT_TRUE(header) << header.error().what;
    std::string file = init;
    for (int i = 1; i <= 3; ++i) {
      const std::string segment = load("s" + track + "-" + std::to_string(i));
      const auto alone = read_chunks(*header, as_bytes(segment));
      ASSERT_TRUE(alone) << alone.error().what;
      EXPECT_FALSE(alone->empty());
      file += segment;
    }
    std::ofstream(path("joined.mp4"), std::ios::binary) << file;
    const auto expected = probe(path("joined.mp4"));
    EXPECT_GE(expected.at(0).size(), 60u);
    expect_same(read(file), expected, "track " + track);
  }
}

TEST_F(RealFiles, WhatEachCodecIsCalled) {
  const std::map<std::string, std::vector<std::string>> rows = {
      {"-f lavfi -i testsrc2=size=64x64 -c:v libx264", {"vide", "avc1", "avcC"}},
      {"-f lavfi -i testsrc2=size=64x64 -c:v libvpx-vp9", {"vide", "vp09", "vpcC"}},
      {"-f lavfi -i sine=sample_rate=48000 -c:a aac", {"soun", "mp4a", "esds"}},
      {"-f lavfi -i sine=sample_rate=48000 -c:a libopus", {"soun", "Opus", "dOps"}},
      {"-f lavfi -i sine=sample_rate=48000 -c:a flac", {"soun", "fLaC", "dfLa"}},
      {"-f lavfi -i sine=sample_rate=48000 -c:a ac3", {"soun", "ac-3", "dac3"}},
  };
  for (const auto& [options, names] : rows) {
    ffmpeg(options + " -t 0.2 -strict -2 -movflags empty_moov+delay_moov", "codec.mp4");
    const std::string file = load("codec.mp4");
    const auto h = read_header(as_bytes(file));
    ASSERT_TRUE(h) << options << h.error().what;
    ASSERT_EQ(h->tracks.size(), 1u);
    const auto& t = h->tracks[0];
    ASSERT_FALSE(t.extensions.empty()) << options;
    EXPECT_THAT(names, ElementsAre(t.handler, t.entry, t.extensions[0]));
    if (t.handler == "vide") EXPECT_EQ(t.width, 64);
    if (t.handler == "soun") EXPECT_EQ(t.sample_rate, 48000u);
  }
}

// A recording after a crash: what was written whole is there, wherever the end is.
TEST_F(RealFiles, CutAtEveryByte) {
  ffmpeg(
      "-f lavfi -i testsrc2=size=32x32:rate=25 -t 0.6 -c:v libx264 -g 5 -bf 1 "
      "-movflags frag_keyframe+empty_moov+default_base_moof",
      "small.mp4");
  const std::string file = load("small.mp4");
  const auto header = read_header(as_bytes(file));
  ASSERT_TRUE(header);
  const auto whole = read_chunks(*header, as_bytes(file));
  ASSERT_TRUE(whole);
  ASSERT_EQ(whole->size(), 3u);
  std::vector<size_t> ends;
  for (const auto& c : *whole)
    ends.push_back(static_cast<size_t>(c.samples.back().payload.data() +
                                       c.samples.back().payload.size() - as_bytes(file).data()));
  for (size_t n = 0; n <= file.size(); ++n) {
    const std::vector<uint8_t> part(file.begin(), file.begin() + static_cast<ptrdiff_t>(n));
    (void)read_header(part);
    const auto chunks = read_chunks(*header, part);
    ASSERT_TRUE(chunks) << n;
    const auto kept = std::count_if(ends.begin(), ends.end(), [&](size_t e) { return e <= n; });
    ASSERT_EQ(chunks->size(), static_cast<size_t>(kept)) << n;
    for (size_t i = 0; i < chunks->size(); ++i) {
      ASSERT_EQ((*chunks)[i].samples.size(), (*whole)[i].samples.size());
      EXPECT_EQ((*chunks)[i].samples[0].decode_time, (*whole)[i].samples[0].decode_time);
    }
  }
}

}  // namespace
}  // namespace weir::mp4
