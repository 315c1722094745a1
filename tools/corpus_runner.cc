// Runs a fuzz entry point over every file of a corpus folder, then over truncations and bit flips
// of each, so that a crash once found stays found in plain test runs. The mutations are
// deterministic.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void run(const std::vector<uint8_t>& in) { LLVMFuzzerTestOneInput(in.data(), in.size()); }

void run_variants(const std::vector<uint8_t>& in) {
  run(in);
  const size_t step = in.size() < 64 ? 1 : in.size() / 64;
  for (size_t n = 0; n < in.size(); n += step) run({in.begin(), in.begin() + static_cast<long>(n)});
  uint32_t seed = 0x9e3779b9;
  for (int i = 0; i < 200 && !in.empty(); ++i) {
    auto copy = in;
    seed = seed * 1664525 + 1013904223;
    copy[(seed >> 8) % copy.size()] ^= static_cast<uint8_t>(1u << (seed >> 29));
    run(copy);
  }
}

}  // namespace

int main(int argc, char** argv) {
  size_t files = 0;
  run({});
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      std::fprintf(stderr, "no corpus at %s: add at least one seed file\n", argv[i]);
      return 1;
    }
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream f(entry.path(), std::ios::binary);
      run_variants({std::istreambuf_iterator<char>(f), {}});
      ++files;
    }
  }
  std::printf("%zu corpus files\n", files);
  return files ? 0 : 1;
}
