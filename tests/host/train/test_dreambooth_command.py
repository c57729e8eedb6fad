"""`python -m tipo_core dreambooth` on a real server: files are made, a Ctrl-C keeps the state."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devkit.server.server import Server
from devkit.setup.layout import this_checkout

ROOT = this_checkout().root
PICTURES = ROOT / "tipo_core" / "assets" / "critter"


def command(server: Server, steps: int, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "tipo_core", "dreambooth", "--server", server.url, "--base", "toy-sd",
        "--pictures", str(PICTURES), "--token", "sks", "--class", "critter", "--size", "64",
        "--rank", "2", "--class-count", "2", "--set", "TipoClassImages.steps=2",
        "--set", "TipoDreamBoothTrain.sample_steps=2", "--steps", str(steps), *more,
    ]  # fmt: skip


def test_a_folder_becomes_a_lora(server: Server) -> None:
    done = subprocess.run(
        command(server, 2, "--sample", "sks critter, crown", "--name", "loras/by_command"),
        cwd=ROOT, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "DreamBooth: 5 pictures of the subject, 2 of the class" in done.stdout
    saved = re.findall(r"^(?:saved|picture|state): (.+)$", done.stdout, re.MULTILINE)
    assert len(saved) == 3 and saved[0] == "loras/by_command_00001_.safetensors"
    assert all((server.base / "output" / name).is_file() for name in saved)
    (uploaded,) = (server.base / "input" / "dreambooth").iterdir()
    assert sorted(path.name for path in uploaded.iterdir()) == [
        f"critter-{number}.png" for number in range(1, 6)
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="no signal of Ctrl-C for one process")
def test_a_cancelled_command_goes_on(server: Server) -> None:
    options = ("--name", "loras/cancelled", "--seed", "3")
    run = subprocess.Popen(
        command(server, 5000, *options), cwd=ROOT, stderr=subprocess.PIPE, text=True,
        # A job in the background of a shell inherits a SIGINT that is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert run.stderr is not None
    shown: list[str] = []
    for line in run.stderr:
        shown.append(line)
        if line.startswith("step "):
            break
    assert shown and re.match(r"step \d+/5000 \| loss [\d.]+, smoothed [\d.]+ \| ", shown[-1])
    run.send_signal(signal.SIGINT)
    last = run.communicate(timeout=120)[1]
    assert run.returncode == 130 and "the same command goes on" in last
    step = int(shown[-1].split()[1].partition("/")[0])
    # The steps are no part of what decides the weights, so that the test need not train 5000.
    more = subprocess.run(
        command(server, step + 60, *options), cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert more.returncode == 0, more.stderr
    (reached,) = re.findall(r"went on from step (\d+)", more.stdout)
    assert step <= int(reached) <= step + 60
    assert (Path(server.base) / "output" / "loras" / "cancelled_00001_.safetensors").is_file()
