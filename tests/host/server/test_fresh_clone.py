"""A git clone, with only what git tracks, is a working pack."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from devkit.server.server import Server
from devkit.server.websocket_client import Client, Graph
from devkit.setup.base_folder import prepare_base
from tests.host.graphs import NODE_IDS, text_only, texts


def has_commits(repository: Path) -> bool:
    """Return whether there is anything to clone."""
    command = ["git", "-C", str(repository), "rev-parse", "--verify", "--quiet", "HEAD"]
    return subprocess.run(command, capture_output=True).returncode == 0


def test_clone_loads_and_expands(
    repository: Path, tmp_path: Path, graph: Graph, start_server: Callable[..., Server]
) -> None:
    if not has_commits(repository):
        pytest.skip("this checkout has no commit yet, so there is nothing to clone")
    clone = tmp_path / "clone"
    command = ["git", "clone", "--quiet", "--no-hardlinks", str(repository), str(clone)]
    subprocess.run(command, check=True)
    assert not (clone / ".venv").exists() and not (clone / ".host").exists()
    base = tmp_path / "base"
    prepare_base(base, clone)
    server = start_server(base=base)
    try:
        with Client(server.url) as client:
            assert set(NODE_IDS) <= client.object_info().keys()
            small = text_only(graph)
            assert texts(small, client.run(small, timeout=120))[0]["prompt"]
    finally:
        server.stop()
