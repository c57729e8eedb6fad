"""Start a ComfyUI server on the loopback interface, wait until it answers, and always stop it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from devkit.messages import StepError, say
from devkit.setup.base_folder import write_model_paths
from devkit.setup.environment import with_bytecode_cache
from devkit.setup.host import Host, has_cuda
from devkit.setup.layout import Layout, this_checkout

START = "start the ComfyUI server"
OWN_NODE = "TipoExpand"
READY_SECONDS = 300.0  # from the start to the first answer
STOP_SECONDS = 8.0  # from the signal to the kill
LOGS_KEPT = 10
# ComfyUI's usual port: `serve` takes it where it is free, so that the page keeps its address.
PAGE_PORT = 8188
PAGE = f"http://127.0.0.1:{PAGE_PORT}"

# Requests to the loopback interface bypass the proxies of the environment.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    """Return a free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def page_port() -> int:
    """Return ComfyUI's usual port if no other program has it, else a free one."""
    with socket.socket() as probe:
        if sys.platform != "win32":
            # As servers do: a port that a closed connection still holds is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PAGE_PORT))
        except OSError:
            return free_port()
    return PAGE_PORT


class Server:
    """One ComfyUI process; as a context manager it never outlives the block."""

    def __init__(
        self,
        host: Host,
        base: Path,
        logs: Path,
        *,
        port: int | None = None,
        model_paths: Path | None = None,
        front_end_root: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.host = host
        self.base = base
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = logs / f"server-{time.strftime('%Y%m%d-%H%M%S')}-{self.port}.log"
        self.model_paths = model_paths
        self.front_end_root = front_end_root
        self._environ = dict(os.environ if environ is None else environ)
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """Return the command line of the server."""
        has_gpu = has_cuda(self.host.python)
        command = [str(self.host.python), str(Path(__file__).with_name("launch.py"))]
        # With a card ComfyUI decides.
        if self.host.has_dynamic_vram and not has_gpu:
            command += ["--dynamic-vram"]
        command += [str(self.host.tree / "main.py"), "--listen", "127.0.0.1"]
        command += ["--port", str(self.port), "--base-directory", str(self.base)]
        command += ["--disable-api-nodes", "--disable-auto-launch"]
        # Two servers of one tree would share the default database.
        command += ["--database-url", f"sqlite:///{(self.base / 'user' / 'comfyui.db').as_posix()}"]
        if self.model_paths is not None:
            command += ["--extra-model-paths-config", str(self.model_paths)]
        if self.front_end_root is not None:
            command += ["--front-end-root", str(self.front_end_root)]
        if not has_gpu:
            command += ["--cpu"]
        return command

    def start(self) -> None:
        """Start the process and return when it answers; a StepError shows its last lines."""
        if self._answers():
            raise StepError(
                START,
                f"another server already answers at {self.url}",
                f"stop it, or choose another port: dev.py serve --port {free_port()}",
            )
        command = self.command()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        _keep_newest(self.log.parent, LOGS_KEPT)
        environ = with_bytecode_cache(this_checkout(), self._environ)
        environ |= {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
        # OpenMP's waiting threads spin by default: on two shared cores, sampling takes 30 to 40 s
        # with spinning and 10 s without. Results are the same.
        environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.base,
                env=environ,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A session of its own: Ctrl-C reaches dev.py alone, which stops the server.
                start_new_session=sys.platform != "win32",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if not self.is_running:
                code = self._process.returncode if self._process else None
                raise StepError(
                    START,
                    f"the server stopped (exit code {code}) before it answered; its last lines:\n"
                    + "\n".join(self.last_lines()),
                    f"the whole log is {self.log}",
                )
            if time.monotonic() > deadline:
                raise StepError(
                    START,
                    f"no answer within {READY_SECONDS:.0f} s; its last lines:\n"
                    + "\n".join(self.last_lines()),
                    f"the whole log is {self.log}",
                )
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with _opener.open(f"{self.url}/system_stats", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    @property
    def is_running(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The process id, None before the start."""
        return self._process.pid if self._process else None

    def last_lines(self, count: int = 15) -> list[str]:
        """Return the last lines of the server's log."""
        if not self.log.exists():
            return []
        return self.log.read_text("utf-8", errors="replace").splitlines()[-count:]

    def stop(self) -> None:
        """End the process and its children; may be called twice."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            _signal_all(process, signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                _signal_all(process, getattr(signal, "SIGKILL", signal.SIGTERM))
                process.wait()
        if process.stdin is not None:
            process.stdin.close()

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _signal_all(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the server and its children, which are in its process group."""
    if sys.platform == "win32":
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _keep_newest(folder: Path, count: int) -> None:
    logs = sorted(folder.glob("server-*.log"), key=lambda path: path.stat().st_mtime)
    for path in logs[:-count]:
        path.unlink(missing_ok=True)


@contextmanager
def running_server(layout: Layout, host: Host, port: int | None = None) -> Iterator[Server]:
    """Run a server with the pack for the time of the block."""
    paths = None
    if host.is_users_own:
        paths = write_model_paths(layout.host / "users-models.yaml", [host.tree])
    server = Server(host, layout.base, layout.logs, port=port, model_paths=paths)
    device = " --cpu" if "--cpu" in server.command() else ""
    say(f"starting ComfyUI {host.version}{device} at {server.url} …")
    started = time.monotonic()
    with server:
        say(f"  ready in {time.monotonic() - started:.1f} s")
        yield server
    say("the server is stopped")


def check_pack_is_loaded(object_info: dict[str, object], server: Server) -> None:
    """Raise StepError with lines of the log if ComfyUI failed to load the pack."""
    if OWN_NODE in object_info:
        return
    log = server.log.read_text("utf-8", errors="replace").splitlines()
    shown = [line for line in log if "rror" in line or "FAILED" in line][-10:] or log[-10:]
    raise StepError(
        START,
        f"ComfyUI runs, but failed to load the pack ({OWN_NODE} is missing):\n" + "\n".join(shown),
        f"the whole log is {server.log}",
    )
