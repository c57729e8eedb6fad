"""A local server in place of the Hugging Face hub, and a model to download from it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.lm.hub_server import HubServer
from tipo_core.lm.hub.catalog import KnownModel, known_model
from tipo_core.lm.hub.download import STAGING, Hub

WEIGHTS = "model.safetensors"
# The header of an empty safetensors file, and bytes after it.
CONTENT = b"\x08" + bytes(7) + b"{}      " + random.Random(0).randbytes(199_984)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect to the local server directly, also if the environment sets a proxy."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


@pytest.fixture
def server() -> Iterator[HubServer]:
    files = {
        "config.json": b'{"model_type": "llama"}',
        "tokenizer.json": b'{"version": "1.0"}',
        WEIGHTS: CONTENT,
        "pytorch_model.bin": b"a pickle",
        "README.md": b"a card",
    }
    with HubServer(files) as serving:
        yield serving


@pytest.fixture
def hub(server: HubServer) -> Hub:
    return Hub(endpoint=server.url, pause=0.0)


@pytest.fixture
def model() -> KnownModel:
    found = known_model("TIPO-500M")
    assert found
    return found


def partial(root: Path) -> list[int]:
    """Return the sizes of the partial files in bytes."""
    return [path.stat().st_size for path in root.rglob("*.part")]


def assert_whole(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        STAGING,
        "config.json",
        WEIGHTS,
        "tokenizer.json",
    ]
    assert (folder / WEIGHTS).read_bytes() == CONTENT
    assert partial(folder) == []
