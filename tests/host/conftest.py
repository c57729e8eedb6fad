"""One real ComfyUI server for the whole session, started by the first test that asks for it."""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from devkit.server.graph_settings import nodes_of_type
from devkit.server.server import Server
from devkit.server.websocket_client import Client, Graph
from devkit.setup.base_folder import prepare_base, write_model_paths
from devkit.setup.host import Host, ensure_host
from devkit.setup.layout import this_checkout
from devkit.setup.toy_sd import NAME, ensure_toy_sd
from tests.host.load_vae.vae_weights import Weights
from tests.host.vae.linear_vae import linear_vae

HERE = Path(__file__).resolve().parent
BROKEN_MODEL = "weights-missing"

StartServer = Callable[..., Server]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder as host tests."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.host)


@pytest.fixture(scope="session")
def host() -> Host:
    """The ComfyUI tree and its Python; dev.py has set it up before the suite."""
    layout = this_checkout()
    found = ensure_host(layout, os.environ)
    ensure_toy_sd(layout, found)
    return found


@pytest.fixture(scope="session")
def model_paths(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Path:
    """A file that lets a server find toy-sd's checkpoint, which lies in .host."""
    path = tmp_path_factory.mktemp("paths") / "models.yaml"
    folders = [this_checkout().base] + ([host.tree] if host.is_users_own else [])
    return write_model_paths(path, folders)


@pytest.fixture(scope="session")
def start_server(
    tmp_path_factory: pytest.TempPathFactory, host: Host, model_paths: Path
) -> Iterator[StartServer]:
    """Start a server process of one's own: start_server(pack=..., environ=..., base=...)."""
    with ExitStack() as stack:

        def start(
            pack: Path | None = None,
            environ: dict[str, str] | None = None,
            base: Path | None = None,
        ) -> Server:
            if base is None:
                base = tmp_path_factory.mktemp("base")
                prepare_base(base, pack or this_checkout().root)
            return stack.enter_context(
                Server(host, base, base / "logs", model_paths=model_paths, environ=environ)
            )

        yield start


@pytest.fixture(scope="session")
def server(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The session's server: its url, base, log and host."""
    base = tmp_path_factory.mktemp("base")
    prepare_base(base, this_checkout().root)
    # A model folder as a cut-short download leaves it: the configuration without the weights.
    nano = this_checkout().root / "tipo_core" / "assets" / "tipo-nano"
    broken = base / "models" / "tipo" / BROKEN_MODEL
    broken.mkdir()
    for name in ("config.json", "tokenizer.json"):
        (broken / name).write_bytes((nano / name).read_bytes())
    return start_server(base=base)


@pytest.fixture
def restart_server(start_server: StartServer) -> StartServer:
    """The same as start_server, for a test that wants a second, fresh process."""
    return start_server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    """A client of the session's server."""
    with Client(server.url) as connected:
        yield connected


@pytest.fixture
def graph() -> Graph:
    """A fresh copy of the text-to-image graph, with toy-sd and the least sizes."""
    path = this_checkout().root / "workflows" / "api" / "text-to-image.json"
    loaded: Graph = copy.deepcopy(json.loads(path.read_text("utf-8")))
    tiny = {
        "CheckpointLoaderSimple": {"ckpt_name": NAME},
        "TipoLoadVae": {"vae_name": f"checkpoint: {NAME}"},
        "EmptyLatentImage": {"width": 64, "height": 64, "batch_size": 1},
        "TipoSampler": {"steps": 2, "seed": 0},
        "TipoExpand": {
            "tags": "1girl, cat ears",
            "caption": "",
            "tag_length": "very_short",
            "caption_length": "very_short",
            "seed": 0,
            "variants": 1,
        },
    }
    for class_type, inputs in tiny.items():
        for node_id in nodes_of_type(loaded, class_type):
            loaded[node_id]["inputs"].update(inputs)
    return loaded


@pytest.fixture(scope="module")
def vae() -> Weights:
    """The weights of a small VAE without bends, in TAESD's names."""
    return linear_vae()


@pytest.fixture
def models(server: Server) -> Iterator[Path]:
    """The server's models folder; files that a test adds are removed after the test."""
    models = server.base / "models"
    folders = [models / name for name in ("vae", "diffusers", "vae_approx", "checkpoints")]
    for folder in folders:
        folder.mkdir(exist_ok=True)
    before = {path for folder in folders for path in folder.iterdir()}
    yield models
    for path in {path for folder in folders for path in folder.iterdir()} - before:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
