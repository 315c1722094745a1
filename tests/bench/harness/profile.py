"""`run profile NAME`: where the server's CPU goes. NAME: rtmp-0 flv-100 rtmp-auto floor-0 nginx playlist segments
ll-400 waiters."""
import subprocess
import time

from . import cases, load, low_latency, machine
from .servers import Binaries, Floor, Nginx, Weir

SECONDS = 6


def record(pid):
    data = Binaries.work / "perf.data"
    subprocess.run(["perf", "record", "-e", "cpu-clock", "-F", "2000", "-g", "-o", data, "-p", str(pid), "--",
                    "sleep", str(SECONDS)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Quick: no attempt to find source lines.
    out = subprocess.run(["perf", "report", "-i", data, "--no-children", "-g", "none", "--stdio", "--percent-limit",
                          "0.4", "-F", "overhead,dso,symbol"], capture_output=True, text=True).stdout
    print("\n".join(line for line in out.splitlines() if line.strip() and not line.startswith("#")))
    print(f"call graphs: perf report -i {data}")


def fan_out(plan, server, kind):
    with server:
        publisher = load.Publisher(server) if hasattr(server, "rtmp") else None
        try:
            with load.Viewers(kind, plan.viewers, server, how="coarse"):
                time.sleep(plan.settle)
                record(server.pid)
        finally:
            if publisher:
                publisher.__exit__()


def http(path_of, threads, connections):
    with Weir() as weir, load.Publisher(weir):
        path = path_of(weir)
        wrk = subprocess.Popen(["wrk", f"-t{threads}", f"-c{connections}", f"-d{SECONDS + 2}s", f"http://127.0.0.1:{weir.http}{path}"],
                               stdout=subprocess.DEVNULL, preexec_fn=machine.pin(machine.LOAD_CORE))
        time.sleep(1)
        record(weir.pid)
        wrk.wait()


def low_latency_load(plan, make):
    with Weir() as weir, load.Publisher(weir):
        low_latency.ready(weir)
        with make(weir):
            time.sleep(plan.settle)
            record(weir.pid)


def run(plan, name):
    machine.require("perf")
    if name == "playlist":
        return http(lambda weir: cases.media_playlist(weir)[0], 2, 400)
    if name == "segments":
        return http(cases.newest_segment, 1, 50)
    if name == "nginx":
        return fan_out(plan, Nginx(), "rtmp")
    if name == "waiters":
        return low_latency_load(plan, lambda weir: load.Waiters(low_latency.WAITING, weir, "playlist"))
    kind, _, merge = name.partition("-")
    if kind == "ll":
        return low_latency_load(plan, lambda weir: load.LowLatency(int(merge or low_latency.COSTED), weir))
    if kind == "floor":
        return fan_out(plan, Floor(load.clip(), merge or 0), "flv")
    if kind not in ("rtmp", "flv"):
        raise SystemExit(__doc__)
    return fan_out(plan, Weir(merge if merge in ("", "auto") else merge + "ms"), kind)
