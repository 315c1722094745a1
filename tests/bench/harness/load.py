"""What loads the servers: weir-load in its modes, and wrk."""
import json
import select
import subprocess
import time
import urllib.request

from . import machine
from .servers import Binaries

PATH = "/live/bench"


def clip(kind="clip"):
    """A test clip, made once. clip: 1080p30 H.264 at 2.5 Mbit/s with a keyframe every 2 s, AAC at 128 kbit/s;
    thin: the same at 180p and 120 kbit/s, of which a part is 3 kB."""
    size, rate = {"clip": ("1920x1080", 2500), "thin": ("320x180", 120)}[kind]
    path = Binaries.work / f"{kind}.flv"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        print("making the test clip ...", flush=True)
        part = path.with_suffix(".part.flv")
        # Noise, so that the encoder has use for the bits.
        subprocess.run(
            ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y",
             "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=30,noise=alls=12:allf=t",
             "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", "12",
             "-c:v", "libx264", "-preset", "superfast", "-b:v", f"{rate}k", "-maxrate", f"{rate * 1.1:.0f}k",
             "-bufsize", f"{rate * 2}k",
             "-x264-params", "keyint=60:min-keyint=60:scenecut=0:bframes=0", "-pix_fmt", "yuv420p",
             "-c:a", "aac", "-b:a", "128k", "-ac", "2", part], check=True)
        part.rename(path)
    return path


def spawn(*arguments):
    return subprocess.Popen([str(Binaries.tools / "weir-load"), *map(str, arguments)], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, preexec_fn=machine.pin(machine.LOAD_CORE))


class Tool:
    """One weir-load process."""

    def __init__(self, *arguments):
        self.process = spawn(*arguments)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def line(self, event, seconds):
        until = time.monotonic() + seconds
        while select.select([self.process.stdout], [], [], max(0, until - time.monotonic()))[0]:
            text = self.process.stdout.readline()
            if not text:
                break
            said = json.loads(text)
            if said["event"] == event:
                return said
        raise RuntimeError(f"{' '.join(self.process.args[1:])}: no {event} within {seconds} s")


class Publisher(Tool):
    def __init__(self, server, kind="clip"):
        super().__init__("publish", clip(kind), f"127.0.0.1:{server.rtmp}", PATH)
        self.line("publishing", 10)


class Marked(Tool):
    """A tool that reports when it is told to."""

    def mark(self):
        self.process.stdin.write(b"mark\n")
        self.process.stdin.flush()
        said = self.line("mark", 20)
        if said["ended"]:
            raise RuntimeError(f"{said['ended']} viewers ended: {said['why']}")
        return said

    def between_marks(self, server, seconds):
        """CPU of the server in a window, and what was said at its begin and its end; there also the tool's own."""
        before, own, cpu = self.mark(), machine.cpu_seconds(self.process.pid), server.cpu()
        time.sleep(seconds)
        cpu, own = server.cpu() - cpu, machine.cpu_seconds(self.process.pid) - own
        after = self.mark()
        return cpu, before, after | {"load_cpu": own / (after["at"] - before["at"])}


class Viewers(Marked):
    """`count` viewers of one kind; __init__ returns when all of them get media, or their answer when idle."""

    def __init__(self, kind, count, server, path=None, how=None):
        port = server.rtmp if kind == "rtmp" else server.http
        path = path or (PATH if kind == "rtmp" else PATH + ".flv")
        super().__init__(kind, count, f"127.0.0.1:{port}", path, *([how] if how else []))
        self.count = count
        settled = self.line("settled", 60)
        if settled["ended"]:
            raise RuntimeError(f"{settled['ended']} of {count} {kind} viewers ended: {settled['why']}")

    def measure(self, server, seconds):
        """CPU of the server and what was delivered, over `seconds`."""
        cpu, before, after = self.between_marks(server, seconds)
        gbit = (after["bytes"] - before["bytes"]) * 8 / 1e9
        return {
            "cpu_ms_per_gbit": cpu * 1e3 / gbit if gbit else float("inf"),
            "cpu": cpu / (after["at"] - before["at"]),
            "mbit_per_viewer": gbit * 1e3 / self.count / (after["at"] - before["at"]),
            "least_mbit": after["least"] * 8 / 1e6 / (after["at"] - before["at"]),
            "latency": after["latency_ms"],
        }


class LowLatency(Marked):
    """`count` low-latency HLS viewers; __init__ returns when all of them have had a part of each kind."""

    def __init__(self, count, server):
        super().__init__("ll", count, f"127.0.0.1:{server.http}", PATH)
        self.count = count
        settled = self.line("settled", 60)
        if settled["ended"]:
            raise RuntimeError(f"{settled['ended']} of {count} viewers ended: {settled['why']}")

    def measure(self, server, seconds):
        cpu, before, after = self.between_marks(server, seconds)
        got = {key: after[key] - before[key] for key in ("at", "requests", "playlists", "parts", "born", "bytes")}
        return {
            "cpu": cpu / got["at"], "load_cpu": after["load_cpu"],
            "cpu_ms_per_viewer_second": cpu * 1e3 / self.count / got["at"],
            "us_per_request": cpu * 1e6 / max(1, got["requests"]),
            "requests_per_core": got["requests"] / cpu,
            "playlists": got["playlists"] / self.count / got["at"],
            "parts": got["parts"] / self.count / got["at"],
            "missing": 1 - got["parts"] / self.count / max(1, got["born"]),
            "mbit_per_viewer": got["bytes"] * 8e-6 / self.count / got["at"],
            "behind": after["behind"], "playlist": after["playlist_ms"], "part": after["part_ms"],
        }


class Waiters(Marked):
    """`count` requests that wait for one part, again and again."""

    def __init__(self, count, server, what):
        super().__init__("wait", count, f"127.0.0.1:{server.http}", PATH, *(["bytes"] if what == "bytes" else []))
        settled = self.line("settled", 60)
        if settled["ended"]:
            raise RuntimeError(f"{settled['ended']} of {count} waiting requests ended: {settled['why']}")

    def measure(self, server, seconds):
        cpu, before, after = self.between_marks(server, seconds)
        if not after["rounds"]:
            raise RuntimeError(f"no part for which all were waiting; {after['left_out']} left out")
        return after | {"cpu": cpu / (after["at"] - before["at"])}


def join(kind, count, server):
    port = server.rtmp if kind == "rtmp" else server.http
    with Tool("join", kind, count, f"127.0.0.1:{port}", PATH if kind == "rtmp" else PATH + ".flv") as tool:
        said = tool.line("joined", 15 * count)
    if said["ended"] or said["join_ms"]["n"] < count:
        raise RuntimeError(f"{kind}: {said['join_ms']['n']} of {count} joined: {said['why']}")
    return said["join_ms"]


WRK_DONE = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\nRESULT {"requests":%d,"bytes":%d,"failed":%d,"p50":%f,"p99":%f}\\n', summary.requests,
    summary.bytes, e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000))
end
"""


def wrk(server, path, threads, connections, seconds):
    """Requests, bytes and latencies in milliseconds; with what they cost the server."""
    script = Binaries.work / "wrk.lua"
    script.write_text(WRK_DONE)
    cpu = server.cpu()
    out = subprocess.run(
        ["wrk", f"-t{threads}", f"-c{connections}", f"-d{round(seconds)}s", "--latency", "-s", script,
         f"http://127.0.0.1:{server.http}{path}"],
        capture_output=True, text=True, check=True, preexec_fn=machine.pin(machine.LOAD_CORE)).stdout
    cpu = server.cpu() - cpu
    result = json.loads(next(line for line in out.splitlines() if line.startswith("RESULT"))[7:])
    if result["failed"] or not result["requests"]:
        raise RuntimeError(f"wrk {path}: {result}")
    return result | {"us_per_request": cpu * 1e6 / result["requests"],
                     "cpu_ms_per_gbit": cpu * 1e3 / (result["bytes"] * 8 / 1e9)}


def get(server, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.http}{path}", timeout=10) as answer:
        return answer.read()
