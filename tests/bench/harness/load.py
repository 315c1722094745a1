"""What loads the servers: weir-load in its modes, and wrk."""
import json
import select
import subprocess
import time
import urllib.request

from . import machine
from .servers import Binaries

PATH = "/live/bench"


def clip():
    """The test clip, made once: 1080p30 H.264 at 2.5 Mbit/s with a keyframe every 2 s, AAC at 128 kbit/s."""
    path = Binaries.work / "clip.flv"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        print("making the test clip ...", flush=True)
        part = path.with_suffix(".part.flv")
        # Noise, so that the encoder has use for the bits.
        subprocess.run(
            ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y",
             "-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=30,noise=alls=12:allf=t",
             "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", "12",
             "-c:v", "libx264", "-preset", "superfast", "-b:v", "2500k", "-maxrate", "2750k", "-bufsize", "5000k",
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
    def __init__(self, server):
        super().__init__("publish", clip(), f"127.0.0.1:{server.rtmp}", PATH)
        self.line("publishing", 10)


class Viewers(Tool):
    """`count` viewers of one kind; __init__ returns when all of them get media, or their answer when idle."""

    def __init__(self, kind, count, server, path=None, how=None):
        port = server.rtmp if kind == "rtmp" else server.http
        path = path or (PATH if kind == "rtmp" else PATH + ".flv")
        super().__init__(kind, count, f"127.0.0.1:{port}", path, *([how] if how else []))
        self.count = count
        settled = self.line("settled", 60)
        if settled["ended"]:
            raise RuntimeError(f"{settled['ended']} of {count} {kind} viewers ended: {settled['why']}")

    def mark(self):
        self.process.stdin.write(b"mark\n")
        self.process.stdin.flush()
        said = self.line("mark", 20)
        if said["ended"]:
            raise RuntimeError(f"{said['ended']} viewers ended: {said['why']}")
        return said

    def measure(self, server, seconds):
        """CPU of the server and what was delivered, over `seconds`."""
        cpu, before = server.cpu(), self.mark()
        time.sleep(seconds)
        cpu, after = server.cpu() - cpu, self.mark()
        gbit = (after["bytes"] - before["bytes"]) * 8 / 1e9
        return {
            "cpu_ms_per_gbit": cpu * 1e3 / gbit if gbit else float("inf"),
            "cpu": cpu / (after["at"] - before["at"]),
            "mbit_per_viewer": gbit * 1e3 / self.count / (after["at"] - before["at"]),
            "least_mbit": after["least"] * 8 / 1e6 / (after["at"] - before["at"]),
            "latency": after["latency_ms"],
        }


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
