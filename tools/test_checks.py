"""The checks are checked: each rule on a sample that breaks it and one that keeps it."""
import importlib.machinery
import importlib.util
import json
import pathlib
import tempfile
import unittest

import cxx

TOOLS = pathlib.Path(__file__).parent
TOP = "// Weir live-streaming server. MIT licence, see LICENSE.\n"
PARAGRAPH = TOP + "\n// What this is, who owns it and which core it lives on,\n// and what it leaves out; the spec and its section.\n"


def load(name):
    loader = importlib.machinery.SourceFileLoader(name, str(TOOLS / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


check_rooms, check_sizes, count_tests = load("check_rooms"), load("check_sizes"), load("count_tests")


class Tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def put(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


class Rooms(Tree):
    def faults(self, path, text):
        self.put(path, text)
        return check_rooms.check(self.root)

    def test_order(self):
        for path, target, fault in [
            ("src/hub/a.cc", "net/task.h", ""),
            ("src/hub/a.cc", "hub/ring.h", ""),
            ("src/net/a.cc", "hub/hub.h", "is to the right"),
            ("src/base/a.h", "media/packet.h", "is to the right"),
            ("src/protocols/flv/a.cc", "containers/flv/tag.h", ""),
            ("src/protocols/flv/a.cc", "protocols/flv/b.h", ""),
            ("src/protocols/flv/a.cc", "protocols/hls/b.h", "is a sibling"),
            ("src/protocols/flv/a.cc", "workers/relay/b.h", "is a sibling"),
            ("src/containers/flv/a.cc", "containers/mpegts/b.h", "is a sibling"),
            ("src/segments/a.cc", "protocols/hls/b.h", "is to the right"),
            ("src/app/modules.cc", "protocols/hls/b.h", ""),
            ("src/cellar/a.cc", "base/bytes.h", "not in the order"),
        ]:
            with self.subTest(path=path, target=target):
                found = self.faults(path, f'#include "{target}"\n')
                self.assertEqual(bool(found), bool(fault), found)
                self.assertIn(fault, "".join(found))
                (self.root / path).unlink()

    def test_third_party_headers_stay_in_their_rooms(self):
        self.assertEqual(self.faults("src/net/a.cc", "#include <boost/asio.hpp>\n"), [])
        self.assertEqual(self.faults("src/app/a.cc", "#include <yaml-cpp/yaml.h>\n"), [])
        self.assertEqual(len(self.faults("src/hub/a.cc", "#include <boost/asio.hpp>\n")), 1)
        self.assertEqual(len(self.faults("src/segments/a.h", "  # include <openssl/evp.h>\n")), 2)

    def test_protocol_names(self):
        for path, text, count in [
            ("src/hub/a.cc", "int x = kRtmpPort;\n", 1),
            ("src/hub/a.cc", 'auto s = "hls";\n', 1),
            ("src/hub/a.cc", "// as RTMP does\n/* hls */ int dashboard;\n", 0),
            ("src/protocols/rtmp/a.cc", "namespace weir::rtmp {}\n", 0),
            ("src/protocols/rtmp/a.cc", "int hls;\n", 1),
            ("src/app/modules.cc", "&rtmp::module;\n", 0),
            ("src/app/a_test.cc", "rtmp::x();\n", 0),
        ]:
            with self.subTest(path=path, text=text):
                self.assertEqual(len(self.faults(path, text)), count)
                (self.root / path).unlink()

    def test_exceptions_need_a_reason_and_a_use(self):
        self.put("tools/check_rooms.allow", "src/hub/a.cc hls: a reason that is long enough\n")
        self.assertEqual(self.faults("src/hub/a.cc", "int hls;\n"), [])
        self.assertIn("not needed", "".join(self.faults("src/hub/a.cc", "int x;\n")))
        self.put("tools/check_rooms.allow", "src/hub/a.cc hls\n")
        self.assertRaises(SystemExit, check_rooms.check, self.root)


class Sizes(Tree):
    def faults(self, path, text, tested=True):
        self.put(path, text)
        self.put(str(pathlib.Path(path).parent / "README.md"), "a room\n")
        if tested:
            self.put("src/base/z_test.cc", TOP + "int x;\n" * 700)
            self.put("src/base/README.md", "a room\n")
        return check_sizes.check(self.root)[1]

    def test_a_clean_room_passes(self):
        self.assertEqual(self.faults("src/hub/a.h", PARAGRAPH + "#pragma once\nint f();\n"), [])

    def test_words(self):
        for path, line, count in [
            ("src/hub/a.cc", "co_spawn(x, detached);", 1),
            ("src/hub/a.cc", "auto f = [=] { return 1; };", 1),
            ("src/hub/a.cc", "auto f = [&] { return a[i] = 2; };", 0),
            ("src/hub/a.cc", "auto* p = new int;", 1),
            ("src/hub/a.cc", "return std::unique_ptr<A>(new A(1));", 0),
            ("src/hub/a.cc", "delete p;", 1),
            ("src/hub/a.cc", "A(const A&) = delete;", 0),
            ("src/hub/a.cc", '// a new one\nauto s = "new";', 0),
            ("src/hub/a.cc", "throw 1;", 1),
            ("src/hub/a_test.cc", "std::this_thread::sleep_for(x);", 1),
            ("src/hub/a.cc", "std::mutex m;", 1),
            ("src/hub/hub.cc", "std::mutex m;", 0),
            ("src/net/a.cc", "std::lock_guard l(m);", 0),
            ("src/hub/disk_bridge.cc", "std::mutex m;", 0),
            ("src/hub/a.cc", "// TODO: later", 1),
            ("src/hub/a.cc", "// TODO(#12): later", 0),
        ]:
            with self.subTest(path=path, line=line):
                self.assertEqual(len(self.faults(path, f"{TOP}\n{line}\n")), count)
                (self.root / path).unlink()

    def test_lengths(self):
        body = "  x();\n" * 79
        self.assertEqual(self.faults("src/hub/a.cc", f"{TOP}void f() {{\n{body[:-7]}}}\n"), [])
        self.assertIn("f has 81 lines", self.faults("src/hub/a.cc", f"{TOP}void f() {{\n{body}}}\n")[0])
        self.put("src/base/y_test.cc", TOP + "int x;\n" * 700)
        self.assertIn("801 lines", self.faults("src/hub/a.cc", TOP + "int x;\n" * 800)[0])

    def test_headers_open_with_licence_and_paragraph(self):
        self.assertIn("licence", self.faults("src/hub/a.cc", "int x;\n")[0])
        one_line = TOP + "\n// One line is enough for a small header.\n#pragma once\n"
        (self.root / "src/hub/a.cc").unlink()
        self.assertEqual(self.faults("src/hub/b.h", one_line), [])
        self.assertIn("paragraph", self.faults("src/hub/b.h", one_line + "int x;\n" * 40)[0])
        self.assertIn("paragraph", self.faults("src/hub/b.h", TOP + "#pragma once\n")[0])

    def test_rooms_have_a_short_readme(self):
        self.put("src/hub/a.cc", TOP)
        self.assertIn("src/hub: wants a README.md", check_sizes.check(self.root)[1])
        self.put("src/hub/README.md", "line\n" * 41)
        self.assertIn("src/hub/README.md: 41 lines, at most 40", check_sizes.check(self.root)[1])

    def test_parsers_are_fuzzed(self):
        header = PARAGRAPH + "#pragma once\nResult<Tag> parse_tag(BytesView in);\n"
        self.assertIn("tag.h parses", "".join(self.faults("src/codecs/tag.h", header)))
        self.put("src/codecs/tag_fuzz.cc", TOP)
        self.assertEqual(self.faults("src/codecs/tag.h", header), [])
        reads_a_socket = PARAGRAPH + "#pragma once\nTask<Result<>> read_all(Bytes);\n"
        self.assertEqual(self.faults("src/net/stream.h", reads_a_socket), [])

    def test_too_few_tests(self):
        found = self.faults("src/hub/a.cc", TOP + "int x;\n" * 300, tested=False)
        self.assertIn("too few tests: 0.00", found)


class Cxx(unittest.TestCase):
    def test_strip(self):
        text = 'a // b\n"c // d" /* e\n */ R"(f " g)" 1\'000 \'"\' h\n'
        self.assertEqual(cxx.strip(text), 'a  \n"c // d" \n R"(f " g)" 1\'000 \'"\' h\n')
        self.assertEqual(cxx.strip(text, strings=False), 'a  \n"" \n "" 1\'000 "" h\n')

    def test_functions(self):
        text = """#define X(a) \\
  do { a } while (0)
namespace a {
const int kTable[] = {
  1,
};
struct B : C {
  B() : x_{1}, y_(2) {
    f([&] { return 1; });
  }
  bool operator==(const B&) const = default;
  bool operator<(int o) const { return x_ < o; }
  int x_ = f(2), y_{3};
};
Task<Result<int>> g(int a = 1,
                    int b = 2) noexcept {
  if (a) {
    return b;
  }
}
}
"""
        self.assertEqual([(n, line, size) for n, line, size in cxx.functions(text)],
                         [("B", 8, 3), ("operator<", 12, 1), ("g", 15, 6)])


class Counts(Tree):
    def test_ctest_counts_cases_and_programs_that_died(self):
        self.put("ctest.xml", """<testsuite>
          <testcase name="base" status="run"/><testcase name="hub" status="fail"><failure/></testcase>
          <testcase name="net" status="fail"><failure/></testcase><testcase name="a_fuzz" status="run"/>
          </testsuite>""")
        self.put("base_test.json", json.dumps({"tests": 5, "failures": 0}))
        self.put("hub_test.json", json.dumps({"tests": 4, "failures": 1}))
        self.assertEqual(count_tests.from_ctest(self.root), (5 + 3 + 1, 1 + 1))

    def test_no_results_are_a_failure(self):
        self.assertEqual(count_tests.from_ctest(self.root), (0, 1))
        self.assertEqual(count_tests.from_playwright(self.root / "none.json"), (0, 1))

    def test_playwright(self):
        self.put("r.json", json.dumps({"stats": {"expected": 3, "unexpected": 2, "flaky": 1, "skipped": 9}}))
        self.assertEqual(count_tests.from_playwright(self.root / "r.json"), (4, 2))


if __name__ == "__main__":
    unittest.main()
