"""The machine and its processes: cores, CPU time, memory, ports, congestion control."""
import contextlib
import os
import pathlib
import platform
import shutil
import socket
import subprocess
import time

SERVER_CORE, LOAD_CORE = 0, 1
CONGESTION = pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control")
SLICE = pathlib.Path("/proc/sys/kernel/sched_rr_timeslice_ms")


# Of servers and load, ahead of whatever else wants the machine: set by --priority.
real_time = False


def pin(*cores):
    """For Popen's preexec_fn: this process and its threads stay on these cores; open files to the hard bound."""

    def apply():
        import resource
        os.sched_setaffinity(0, cores)
        if real_time:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    return apply


def cpu_seconds(pid):
    """CPU time of all threads alive, to the nanosecond: what utime + stime tell in ticks."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def rss(pid):
    """Bytes of resident memory; what the kernel holds for the process's sockets is not in it."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def children(pid):
    return [int(c) for c in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listening(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def wait_listening(port, process, seconds=10):
    until = time.monotonic() + seconds
    while not listening(port):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{process.args[0]} does not listen on port {port}")
        time.sleep(0.01)


def busy(seconds=1.0):
    """Share of both cores that somebody else uses now."""

    def sample():
        fields = [int(f) for f in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
        return sum(fields), fields[3] + fields[4]

    total, idle = sample()
    time.sleep(seconds)
    total2, idle2 = sample()
    return 1 - (idle2 - idle) / max(1, total2 - total)


@contextlib.contextmanager
def setting(path, value):
    """A kernel setting, put back afterwards; None leaves it alone. Gives what is in force."""
    before = path.read_text().strip()
    change = value is not None and str(value) != before
    if change:
        path.write_text(str(value))
    try:
        yield path.read_text().strip()
    finally:
        if change:
            path.write_text(before)


def describe(congestion_name):
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    version = subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr.strip().split("/")[-1]
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpu": f"{os.cpu_count()} x {cpu}",
        "kernel": platform.release(),
        "nginx": version,
        "congestion": congestion_name,
    }


def require(*tools):
    missing = [t for t in tools if not shutil.which(t)]
    if missing:
        raise SystemExit(f"missing: {', '.join(missing)}; apt-get install nginx libnginx-mod-rtmp wrk ffmpeg linux-perf")
