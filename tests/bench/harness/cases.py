"""The cases: each takes a Plan and returns rows. Within a case, servers take turns in every round."""
import collections
import dataclasses
import subprocess
import time
import urllib.parse

from . import load, low_latency, machine
from .servers import Binaries, Floor, Nginx, Weir
from .table import Row

MERGES = [0, 100, 350]


@dataclasses.dataclass
class Plan:
    rounds: int = 3
    window: float = 4.0   # seconds of each sample
    settle: float = 2.0   # seconds from the last viewer's first byte to the sample
    viewers: int = 1000
    idle: int = 2000
    joins: int = 60
    quick: bool = False


def say(text):
    print(f"  {text}", flush=True)


def watched(plan, server, kind, count, how=None):
    """One sample of `count` viewers of a published stream."""
    with server:
        publisher = load.Publisher(server) if hasattr(server, "rtmp") else None
        try:
            time.sleep(0.3)
            with load.Viewers(kind, count, server, how=how) as viewers:
                time.sleep(plan.settle)
                return viewers.measure(server, plan.window)
        finally:
            if publisher:
                publisher.__exit__()


def fan_out(plan):
    samples = collections.defaultdict(list)
    clip = load.clip()

    def subjects():
        for m in MERGES:
            yield f"floor {m}", Floor(clip, m), "flv"
            yield f"rtmp {m}", Weir(f"{m}ms"), "rtmp"
            yield f"flv {m}", Weir(f"{m}ms"), "flv"
        yield "rtmp auto", Weir("auto"), "rtmp"
        yield "flv auto", Weir("auto"), "flv"
        yield "nginx", Nginx(), "rtmp"
        if not plan.quick:
            yield "nginx buffered", Nginx(buffered=True), "rtmp"

    for _ in range(plan.rounds):
        for name, server, kind in subjects():
            s = watched(plan, server, kind, plan.viewers, "coarse")
            samples[name].append(s)
            say(f"{name}: {s['cpu_ms_per_gbit']:.0f} ms/Gbit, {s['mbit_per_viewer']:.2f} Mbit/s each (least "
                f"{s['least_mbit']:.2f}), core {s['cpu']:.0%}, latency p50 {s['latency']['p50']:.1f} "
                f"p99 {s['latency']['p99']:.1f} ms")

    def cost(name):
        return [s["cpu_ms_per_gbit"] for s in samples[name]]

    unit, rows = "CPU-ms/Gbit", []
    for kind in ("rtmp", "flv"):
        for m in MERGES:
            rows.append(Row(f"{kind.upper()}, {plan.viewers} viewers, merge {m} ms", unit, cost(f"{kind} {m}"),
                            cost(f"floor {m}"), "floor", 1.25))
        rows.append(Row(f"{kind.upper()}, {plan.viewers} viewers, merge auto", unit, cost(f"{kind} auto"),
                        cost("floor 0"), "floor, merge 0"))
    for merge, bar in (("0", None), ("auto", None), ("100", 0.4), ("350", 0.3)):
        rows.append(Row(f"RTMP, {plan.viewers} viewers, merge {merge}", unit, cost(f"rtmp {merge}"), cost("nginx"),
                        "nginx-rtmp", bar))
    if not plan.quick:
        rows.append(Row(f"RTMP, {plan.viewers} viewers, merge 100", unit, cost("rtmp 100"), cost("nginx buffered"),
                        "nginx-rtmp, buffer on"))
    return rows


def media_playlist(server):
    """Path and content of the stream's media playlist, once it has three segments."""
    until = time.monotonic() + 20
    base = load.PATH + "/"
    while time.monotonic() < until:
        try:
            text = load.get(server, base + "index.m3u8").decode()
            if "#EXT-X-STREAM-INF" in text:
                path = base + next(line for line in text.splitlines() if line and not line.startswith("#"))
                text = load.get(server, path).decode()
            else:
                path = base + "index.m3u8"
            if text.count("#EXTINF") - text.count("#EXT-X-GAP") >= 3:
                return path, text
        except OSError:
            pass
        time.sleep(0.5)
    raise RuntimeError("no HLS playlist with three segments")


def newest_segment(server):
    path, text = media_playlist(server)
    newest = [line for line in text.splitlines() if line and not line.startswith("#")][-1]
    return urllib.parse.urljoin(path, newest)


def playlist(plan):
    ours, theirs = [], []
    with Weir() as weir, load.Publisher(weir):
        path, text = media_playlist(weir)
        with Nginx({"index.m3u8": text.encode()}) as nginx:
            for _ in range(plan.rounds):
                ours.append(load.wrk(weir, path, 2, 400, plan.window))
                theirs.append(load.wrk(nginx, "/index.m3u8", 2, 400, plan.window))
                say(f"playlist: {ours[-1]['us_per_request']:.1f} us/request, p99 {ours[-1]['p99']:.1f} ms; "
                    f"nginx {theirs[-1]['us_per_request']:.1f} us, p99 {theirs[-1]['p99']:.1f} ms")

    def pick(key):
        return [s[key] for s in ours], [s[key] for s in theirs]

    return [Row("playlist, wrk -t2 -c400", "CPU us/request", *pick("us_per_request"), "nginx, open_file_cache", 0.8),
            Row("playlist, p99", "ms", *pick("p99"), "nginx, open_file_cache", 1.0)]


def segments(plan):
    ours, theirs = [], []
    with Weir() as weir, load.Publisher(weir):
        for _ in range(plan.rounds):
            at = newest_segment(weir)
            with Nginx({"segment.m4s": load.get(weir, at)}) as nginx:
                ours.append(load.wrk(weir, at, 1, 50, plan.window))
                theirs.append(load.wrk(nginx, "/segment.m4s", 1, 50, plan.window))
            say(f"segment: {ours[-1]['cpu_ms_per_gbit']:.0f} ms/Gbit; nginx {theirs[-1]['cpu_ms_per_gbit']:.0f}")
    return [Row("CMAF segments, wrk -t1 -c50", "CPU-ms/Gbit", [s["cpu_ms_per_gbit"] for s in ours],
                [s["cpu_ms_per_gbit"] for s in theirs], "nginx, sendfile", 1.0)]


def latency(plan):
    counts, samples = (1, 100, 500), collections.defaultdict(list)
    for _ in range(plan.rounds):
        for count in counts:
            for name, server in (("weir", Weir("auto")), ("nginx", Nginx())):
                if name == "nginx" and plan.quick and count < 500:
                    continue
                s = watched(plan, server, "rtmp", count)["latency"]
                samples[name, count].append(s)
                say(f"latency, {count} viewers: {name} p50 {s['p50']:.2f} p99 {s['p99']:.2f} max {s['max']:.1f} ms")
    rows = []
    for count in counts:
        for quantile in ("p50", "p99"):
            bars = {(1, "p50"): (0.3, False), (100, "p99"): (5, False), (500, "p99"): (1.0, True)}
            bar, is_ratio = bars.get((count, quantile), (None, True))
            rows.append(Row(f"RTMP latency, merge auto, {count} viewers, {quantile}", "ms",
                            [s[quantile] for s in samples["weir", count]],
                            [s[quantile] for s in samples["nginx", count]] or None,
                            "nginx-rtmp" if samples["nginx", count] else "", bar, is_ratio))
    return rows


def join(plan):
    ours, theirs = collections.defaultdict(list), []
    with Weir() as weir, load.Publisher(weir):
        time.sleep(4)  # a whole group of pictures
        for _ in range(plan.rounds):
            for kind in ("flv", "rtmp"):
                ours[kind].append(load.join(kind, plan.joins, weir))
                say(f"join {kind}: p50 {ours[kind][-1]['p50']:.2f}, p99 {ours[kind][-1]['p99']:.2f} ms")
    if not plan.quick:
        with Nginx() as nginx, load.Publisher(nginx):
            for _ in range(plan.rounds):
                theirs.append(load.join("rtmp", 2, nginx)["p50"])
    rows = []
    for kind in ("flv", "rtmp"):
        for quantile in ("p50", "p99"):
            beside = theirs if kind == "rtmp" and quantile == "p50" else None
            rows.append(Row(f"join, {kind.upper()}: first keyframe, {quantile}", "ms", [s[quantile] for s in ours[kind]],
                            beside or None, "nginx-rtmp" if beside else "", 2.0 if quantile == "p50" else None, False))
    return rows


def idle(plan):
    """Memory of connections that wait."""
    samples = collections.defaultdict(list)
    for _ in range(plan.rounds):
        for name, server in (("weir", Weir(**{"stream.missing": "wait"})), ("nginx", Nginx())):
            for kind, path in (("rtmp", "/live/nobody"), ("http", "/")):
                with server:
                    with load.Viewers(kind, 10, server, path, "idle"):
                        time.sleep(0.3)
                    before = server.rss()
                    with load.Viewers(kind, plan.idle, server, path, "idle") as waiting:
                        time.sleep(1)
                        waiting.mark()  # fails when one of them is no longer there
                        samples[name, kind].append((server.rss() - before) / plan.idle / 1024)
                say(f"idle {kind}: {name} {samples[name, kind][-1]:.1f} KiB each")
    return [Row(f"idle {label}, {plan.idle} connections", "KiB each", samples["weir", kind], samples["nginx", kind],
                "nginx", 32, False)
            for kind, label in (("rtmp", "RTMP player of an unpublished name"), ("http", "HTTP keep-alive"))]


def start(plan):
    """From exec to the first connection that is accepted."""
    ours = []
    for _ in range(3 * plan.rounds):
        rtmp, http = machine.free_port(), machine.free_port()
        began = time.monotonic()
        process = subprocess.Popen(
            [Binaries.weir, "serve", "--set", f"rtmp.listen=127.0.0.1:{rtmp}", "--set", f"http.listen=127.0.0.1:{http}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not (machine.listening(rtmp) and machine.listening(http)):
            if time.monotonic() - began > 5 or process.poll() is not None:
                raise RuntimeError("weir does not start")
        ours.append((time.monotonic() - began) * 1e3)
        process.kill()
        process.wait()
    say(f"start: {min(ours):.0f} to {max(ours):.0f} ms")
    return [Row("start: exec to listening on both ports", "ms", ours, bar=100)]


CASES = {"start": start, "join": join, "idle": idle, "playlist": playlist, "segments": segments, "latency": latency,
         "fan_out": fan_out, "ll": low_latency.ll, "waiters": low_latency.waiters}
