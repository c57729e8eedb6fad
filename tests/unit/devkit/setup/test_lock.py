"""Two runs of dev.py at once: one waits, and a dead one holds nobody up."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from devkit.setup.lock import only_one


def start(repository: Path, script: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a script of this folder."""
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name(script)), *arguments],
        env={**os.environ, "PYTHONPATH": str(repository)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def hold(repository: Path, lock: Path, seconds: float) -> subprocess.Popen[str]:
    """Hold the lock in another process and return when it is held."""
    process = start(repository, "hold_lock.py", str(lock), str(seconds))
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_waits_for_the_first(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = hold(repository, tmp_path / "lock", 0.4)
    with only_one(tmp_path / "lock", poll_seconds=0.02):
        first.wait(10)
        assert first.returncode == 0
    assert "waiting" in capsys.readouterr().err


def test_a_killed_holder_lets_go(repository: Path, tmp_path: Path) -> None:
    first = hold(repository, tmp_path / "lock", 600.0)
    first.kill()
    first.wait(10)
    started = time.monotonic()
    with only_one(tmp_path / "lock"):
        assert time.monotonic() - started < 5


@pytest.mark.skipif(sys.platform == "win32", reason="Windows hands no lock to a child")
def test_an_installer_that_outlives_its_starter_keeps_the_lock(
    repository: Path, tmp_path: Path
) -> None:
    starter = start(repository, "install_under_lock.py", str(tmp_path / "lock"))
    assert starter.stderr is not None
    assert starter.stderr.readline() == "  installing\n"
    started = time.monotonic()
    starter.kill()
    starter.wait(10)
    with only_one(tmp_path / "lock", poll_seconds=0.02):
        assert time.monotonic() - started > 0.5
