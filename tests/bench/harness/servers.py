"""The servers under load: Weir, nginx (with its RTMP module) and the floor; each is a `with` block."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from . import machine

ROOT = pathlib.Path(__file__).resolve().parents[3]
RTMP_MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so"


class Binaries:
    """Where the build is; set once by `run`."""
    weir = ROOT / "build/release/weir"
    tools = ROOT / "build/release/tests/bench"
    work = ROOT / "build/bench"


class Server:
    cores = (machine.SERVER_CORE,)

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-bench-"))
        self.log = open(self.folder / "log", "wb")
        try:
            self.start()
        except Exception:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def spawn(self, *command):
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, preexec_fn=machine.pin(*self.cores))

    def stop(self):
        if getattr(self, "process", None):
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self):
        return self.process.pid

    def cpu(self):
        return machine.cpu_seconds(self.pid)

    def rss(self):
        return machine.rss(self.pid)


class Weir(Server):
    name = "weir"

    def __init__(self, merge="auto", cores=1, **settings):
        self.settings = {"play.merge": merge, "server.cores": cores, "log.level": "warn"} | settings
        # The second is the load's: they share it.
        self.cores = (machine.SERVER_CORE, machine.LOAD_CORE)[:cores]

    def start(self):
        self.rtmp, self.http = machine.free_port(), machine.free_port()
        settings = self.settings | {"rtmp.listen": f"127.0.0.1:{self.rtmp}", "http.listen": f"127.0.0.1:{self.http}"}
        self.spawn(Binaries.weir, "serve", *[a for k, v in settings.items() for a in ("--set", f"{k}={v}")])
        machine.wait_listening(self.rtmp, self.process)
        machine.wait_listening(self.http, self.process)


class Floor(Server):
    name = "floor"

    def __init__(self, clip, batch_ms):
        self.clip, self.batch_ms = clip, batch_ms

    def start(self):
        self.http = machine.free_port()
        self.spawn(Binaries.tools / "weir-floor", self.http, self.clip, self.batch_ms)
        machine.wait_listening(self.http, self.process)


NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
load_module {module};
worker_rlimit_nofile 20000;
events {{ worker_connections 16000; }}
rtmp {{ server {{ listen 127.0.0.1:{rtmp}; {rtmp_server} application live {{ live on; {rtmp_live} }} }} }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_timeout 75s; keepalive_requests 1000000000;
  open_file_cache max=1000 inactive=600s; open_file_cache_valid 600s;
  types {{ application/vnd.apple.mpegurl m3u8; video/mp4 m4s; text/html html; }}
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{ listen 127.0.0.1:{http} backlog=4096; root {folder}/root; }}
}}
"""


class Nginx(Server):
    """`files`: path -> bytes, served from open_file_cache with sendfile. `buffered`: the module's nearest to
    write merging: `buffer` holds video messages back until an audio message, or out_cork of them, go out."""
    name = "nginx"

    def __init__(self, files=None, buffered=False):
        self.files = files or {"index.html": b"<!doctype html>"}
        self.buffered = buffered

    def start(self):
        self.rtmp, self.http = machine.free_port(), machine.free_port()
        for path, content in self.files.items():
            file = self.folder / "root" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        # The worker is another user, and mkdtemp's folder is nobody else's.
        for place in [self.folder, *self.folder.rglob("*")]:
            os.chmod(place, 0o755)
        config = self.folder / "nginx.conf"
        config.write_text(NGINX.format(
            folder=self.folder, module=RTMP_MODULE, rtmp=self.rtmp, http=self.http,
            rtmp_server="out_queue 1024; out_cork 64;" if self.buffered else "",
            rtmp_live="buffer 350ms;" if self.buffered else ""))
        self.spawn("nginx", "-c", config)
        machine.wait_listening(self.http, self.process)
        until = time.monotonic() + 5
        while not machine.children(self.process.pid) and time.monotonic() < until:
            time.sleep(0.01)

    @property
    def pid(self):
        return machine.children(self.process.pid)[0]
