"""Two runs of dev.py at once: one waits, and a dead one holds nobody up."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from devkit.setup.lock import only_one

HOLD = """
import sys, time, pathlib
sys.path.insert(0, sys.argv[1])
import pytest
from devkit.lock import only_one
with only_one(pathlib.Path(sys.argv[2])):
    print("held", flush=True)
    time.sleep(float(sys.argv[3]))
"""


def hold(repository: Path, lock: Path, seconds: float) -> subprocess.Popen[str]:
    """Hold the lock in another process and return when it is held."""
    command = [sys.executable, "-c", HOLD, str(repository), str(lock), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
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


ORPHAN = """
import sys, pathlib
sys.path.insert(0, sys.argv[1])
from devkit.lock import only_one
from devkit.process import run_tool
with only_one(pathlib.Path(sys.argv[2])):
    code = "import time; print('on', flush=True); time.sleep(1)"
    run_tool("install", [sys.executable, "-c", code])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows hands no lock to a child")
def test_an_installer_that_outlives_its_starter_keeps_the_lock(
    repository: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", ORPHAN, str(repository), str(tmp_path / "lock")]
    starter = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert starter.stderr is not None
    assert starter.stderr.readline() == "  on\n"
    started = time.monotonic()
    starter.kill()
    starter.wait(10)
    with only_one(tmp_path / "lock", poll_seconds=0.02):
        assert time.monotonic() - started > 0.5
