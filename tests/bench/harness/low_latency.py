"""The cases of low-latency HLS: viewers that get every playlist and part, and many that wait for one part."""
import collections
import time

from . import load
from .servers import Weir
from .table import Row

STEPS = (100, 200, 400, 800, 1600, 2400, 3200, 4000, 4800)
COSTED = 400        # viewers of the rows that tell what one costs
PATIENCE = 0.1      # seconds, p99 from a part's birth to the playlist that names it
WAITING = 2000
WAITING_CORES = (1, 2)


def say(text):
    print(f"  {text}", flush=True)


def ready(server):
    """Once both playlists are there."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            if all(b"#EXT-X-PART:" in load.get(server, f"{load.PATH}/{lane}.m3u8") for lane in ("v1", "a1")):
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError("no low-latency playlist")


def watched(plan, count):
    """One sample, each of a fresh server."""
    with Weir() as weir, load.Publisher(weir):
        ready(weir)
        with load.LowLatency(count, weir) as viewers:
            time.sleep(plan.settle)
            return viewers.measure(weir, plan.window)


def holds(s):
    # Parts that are on their way at a mark are no loss; a tenth of them is.
    return s["behind"] == 0 and s["missing"] < 0.1 and s["playlist"]["p99"] <= PATIENCE * 1e3


def climb(plan, samples):
    """The most viewers of STEPS that one core holds."""
    most = 0
    for count in STEPS:
        try:
            s = watched(plan, count)
        except RuntimeError as e:
            say(f"ll, {count} viewers: {e}")
            break
        samples[count].append(s)
        say(f"ll, {count} viewers: {s['playlists']:.1f} playlists and {s['parts']:.1f} parts a second each, behind "
            f"{s['behind']}, core {s['cpu']:.0%}, load {s['load_cpu']:.0%}, {s['us_per_request']:.1f} us/request, "
            f"playlist p50 {s['playlist']['p50']:.1f} p99 {s['playlist']['p99']:.1f}, part p99 "
            f"{s['part']['p99']:.1f} ms")
        if not holds(s):
            break
        most = count
    return most


def ll(plan):
    samples, most = collections.defaultdict(list), []
    for _ in range(plan.rounds):
        most.append(climb(plan, samples))
    rows = [Row("LL-HLS, viewers that one core holds, in steps", "viewers", most)]
    costed = max((c for c in samples if c <= COSTED), default=None)
    if costed is None:
        return rows
    name = f"LL-HLS, {costed} viewers"
    for what, unit, pick in (("", "CPU-ms per viewer-second", lambda s: s["cpu_ms_per_viewer_second"]),
                             ("", "requests/s per core", lambda s: s["requests_per_core"]),
                             (": birth of a part to its playlist, p50", "ms", lambda s: s["playlist"]["p50"]),
                             (": birth of a part to its playlist, p99", "ms", lambda s: s["playlist"]["p99"]),
                             (": birth of a part to its last byte, p99", "ms", lambda s: s["part"]["p99"])):
        rows.append(Row(name + what, unit, [pick(s) for s in samples[costed]]))
    return rows


def waiters(plan):
    samples = collections.defaultdict(list)
    for _ in range(plan.rounds):
        for cores in WAITING_CORES:
            for what in ("playlist", "bytes"):
                with Weir(cores=cores) as weir, load.Publisher(weir, "thin" if what == "bytes" else "clip"):
                    ready(weir)
                    with load.Waiters(WAITING, weir, what) as waiting:
                        time.sleep(plan.settle)
                        s = waiting.measure(weir, plan.window)
                samples[what, cores].append(s)
                say(f"waiters, {what}, {cores} cores: last {s['last']:.1f} ms (p50 {s['p50']:.1f}, p99 {s['p99']:.1f}, "
                    f"worst {s['worst']:.1f}) over {s['rounds']} parts, {s['left_out']} left out, "
                    f"CPU {s['cpu']:.0%}, load {s['load_cpu']:.0%}")
    rows = []
    for (what, cores), taken in samples.items():
        name = f"LL-HLS, {WAITING} wait for one part's {what}, {cores} core{'s' * (cores > 1)}: "
        rows.append(Row(name + "last answer", "ms", [s["last"] for s in taken], bar=20))
        rows.append(Row(name + "worst part", "ms", [s["worst"] for s in taken]))
    return rows
