"""The server's process: it answers, explains its failure, and never outlives its starter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from devkit.messages import StepError
from devkit.server.server import START, Server
from devkit.setup.host import Host

SMALL_HOST = Path(__file__).with_name("small_host.py").read_text("utf-8")


def a_host(tmp_path: Path, main: str = SMALL_HOST) -> Host:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "main.py").write_text(main)
    (tmp_path / "base").mkdir()
    return Host(tmp_path / "tree", Path(sys.executable), "0.0", False)


def wait_until_gone(pid: int) -> bool:
    """Return whether the process is gone within a few seconds."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_it_answers_inside_the_block_and_is_gone_after_it(tmp_path: Path) -> None:
    with Server(a_host(tmp_path), tmp_path / "base", tmp_path / "logs") as server:
        assert urllib.request.urlopen(server.url + "/system_stats").status == 200
        assert server.is_running
    assert not server.is_running
    server.stop()


def test_it_is_stopped_when_the_block_raises(tmp_path: Path) -> None:
    server = Server(a_host(tmp_path), tmp_path / "base", tmp_path / "logs")
    with pytest.raises(KeyboardInterrupt), server:
        raise KeyboardInterrupt
    assert not server.is_running


def test_a_server_that_dies_shows_its_last_words(tmp_path: Path) -> None:
    host = a_host(tmp_path, "raise SystemExit('no module named x')")
    server = Server(host, tmp_path / "base", tmp_path / "logs")
    with pytest.raises(StepError) as caught:
        server.start()
    assert caught.value.step == START
    assert "no module named x" in caught.value.why
    assert str(server.log) in caught.value.remedy


@pytest.mark.skipif(sys.platform == "win32", reason="asks for a process by a POSIX signal")
@pytest.mark.parametrize("signal_name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_it_does_not_outlive_its_starter(
    tmp_path: Path, repository: Path, signal_name: str
) -> None:
    """Whatever ends dev.py, SIGKILL too, the server ends."""
    a_host(tmp_path)
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("start_server.py")), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(repository)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None and process.stdout.readline() == b"up\n"
    pid = int((tmp_path / "base" / "pid").read_text())
    process.send_signal(getattr(signal, signal_name))
    process.wait(20)
    assert wait_until_gone(pid)


def test_the_command_line(tmp_path: Path) -> None:
    host = a_host(tmp_path)
    server = Server(host, tmp_path / "base", tmp_path / "logs", port=5, model_paths=tmp_path / "m")
    command = " ".join(server.command())
    for words in (
        "main.py --listen 127.0.0.1 --port 5",
        f"--base-directory {tmp_path / 'base'}",
        "--disable-api-nodes",
        "--disable-auto-launch",
        f"--extra-model-paths-config {tmp_path / 'm'}",
    ):
        assert words in command


def test_a_port_that_is_taken_is_named_and_the_other_server_is_not_taken_for_ours(
    tmp_path: Path,
) -> None:
    host = a_host(tmp_path)
    with Server(host, tmp_path / "base", tmp_path / "logs") as first:
        second = Server(host, tmp_path / "base", tmp_path / "logs", port=first.port)
        with pytest.raises(StepError, match=rf"another server already answers at .*:{first.port}"):
            second.start()
        assert second.pid is None and first.is_running
