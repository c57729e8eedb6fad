"""The example scripts for a server, alone in a folder, on a real one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from devkit.server.server import Server
from devkit.server.websocket_client import Client, Graph
from tests.host.graphs import inputs_of


@pytest.fixture
def folder(repository: Path, tmp_path: Path, graph: Graph) -> Path:
    """A folder with the scripts and a small workflow, and nothing else of the pack."""
    for name in ("queue_prompt.py", "many_seeds.sh"):
        shutil.copy(repository / "docs" / "examples" / name, tmp_path)
    (tmp_path / "small.json").write_text(json.dumps(graph), "utf-8")
    return tmp_path


def command(server: Server, *arguments: str) -> list[str]:
    return [
        *(sys.executable, "-I", "queue_prompt.py", "small.json"),
        *("--server", server.url),
        *arguments,
    ]


def run(server: Server, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(server, *arguments), cwd=folder, capture_output=True, text=True, timeout=240
    )


def test_a_workflow_is_queued_followed_and_fetched(server: Server, folder: Path) -> None:
    done = run(server, folder, "TipoExpand.tags=1girl, umbrella", "TipoExpand.seed=11")
    assert done.returncode == 0, done.stderr
    # A prompt may have several lines.
    prompt, picture = done.stdout.rstrip("\n").rsplit("\n", 1)
    assert prompt.startswith("prompt:  1girl, umbrella, ")
    with Image.open(folder / picture.removeprefix("picture: ")) as image:
        assert image.size == (64, 64)
        assert prompt.removeprefix("prompt:  ") in image.info["parameters"]
    # One line for each node that ran, by its title.
    assert "Sampler (CFG / Denoise) (node 7) ..." in done.stderr.splitlines()


def test_a_refused_workflow_names_the_node_and_the_choices(server: Server, folder: Path) -> None:
    done = run(server, folder, "CheckpointLoaderSimple.ckpt_name=none.safetensors")
    assert done.returncode == 1
    assert "Load Checkpoint (node 3)" in done.stderr
    assert "'none.safetensors' not in" in done.stderr and "toy-sd.safetensors" in done.stderr


def test_a_failed_node_is_named(server: Server, folder: Path, graph: Graph) -> None:
    inputs_of(graph, "TipoExpand")["metadata"] = "nonsense: x"
    (folder / "small.json").write_text(json.dumps(graph), "utf-8")
    done = run(server, folder)
    assert done.returncode == 3
    assert "TIPO Expand (node 2) failed: metadata 'nonsense: x'" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_ends_the_run_on_the_server(server: Server, folder: Path, client: Client) -> None:
    started = subprocess.Popen(
        command(server, "TipoSampler.steps=9000"),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stderr is not None
    while "Sampler" not in (line := started.stderr.readline()):
        assert line, "the script ended before the sampler ran"
    started.send_signal(signal.SIGINT)
    assert started.wait(60) == 4
    deadline = time.monotonic() + 60
    while client.queued():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_many_seeds_draws_one_picture_for_each(server: Server, folder: Path) -> None:
    environ: dict[str, Any] = {**os.environ, "COMFYUI_URL": server.url, "PYTHON": sys.executable}
    done = subprocess.run(
        ["bash", "many_seeds.sh", "small.json", "1", "2"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    pictures = sorted((folder / "seeds").rglob("*.png"))
    assert [path.parent.name for path in pictures] == ["1", "2"]
    assert pictures[0].read_bytes() != pictures[1].read_bytes()
