"""Rows of the pack in ComfyUI: its import, and each picture node against core's node.

Both nodes are fed from the same graph.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.bench.benchmark import Aim, Benchmark, Figure, Setting, at_most, at_most_times
from devkit.server.server import running_server
from devkit.server.websocket_client import Client, Graph
from devkit.setup import toy_sd

# Scripts for ComfyUI's Python.
HOSTED = Path(__file__).resolve().parents[1] / "hosted"
# Of nodes that take about a second, and of nodes that take a few hundredths of a second.
ROUNDS = 20
MANY_ROUNDS = 60
# Seconds.
_FREED_AFTER = 0.3
_VAE = "bench-{}.safetensors"
_FOLDER = "bench"
_CHECKPOINT = {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": toy_sd.NAME}}


@dataclass(frozen=True)
class Race:
    """A node of the pack and core's: types, common inputs, and the inputs of the pack's node alone.

    `feed` has the nodes before them. "{}" in a text becomes the number of the round, so that the
    server does not answer from its cache.
    """

    ours: str
    core: str
    inputs: Mapping[str, Any]
    feed: Graph
    own_inputs: Mapping[str, Any]
    rounds: int = ROUNDS
    name: str = ""
    most: float = 1.02

    @property
    def aim(self) -> Aim:
        """The row of the table."""
        name = self.name or f"{self.ours} beside {self.core}"
        return Aim(name, "s", at_most_times(self.most))

    def graph(self, number: int, *, is_ours: bool) -> Graph:
        """Return the graph of a round; the timed node has the id "timed"."""
        inputs = {**self.inputs, **(self.own_inputs if is_ours else {})}
        timed = {"class_type": self.ours if is_ours else self.core, "inputs": inputs}
        graph: Graph = {**self.feed, "timed": timed}
        if self.core != "SaveImage":
            graph["shown"] = {"class_type": "PreviewAny", "inputs": {"source": ["timed", 0]}}
        numbered: Graph = _numbered(graph, number)
        return numbered


def _numbered(value: Any, number: int) -> Any:
    if isinstance(value, dict):
        return {key: _numbered(inner, number) for key, inner in value.items()}
    if isinstance(value, str) and "{}" in value:
        return value.replace("{}", str(number))
    # A number that changes from round to round.
    return value(number) if callable(value) else value


def _node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


_SAMPLING = {
    "model": ["1", 0],
    "seed": lambda number: number,
    "steps": 10,
    "cfg": 7.0,
    "sampler_name": "euler",
    "scheduler": "normal",
    "positive": ["2", 0],
    "negative": ["3", 0],
    "latent_image": ["4", 0],
    "denoise": 1.0,
}
_TEXTS: Graph = {
    "1": _CHECKPOINT,
    "2": _node("CLIPTextEncode", clip=["1", 1], text="1girl, cat ears"),
    "3": _node("CLIPTextEncode", clip=["1", 1], text=""),
}
# A picture of noise: its files are as large as a photograph's.
_NOISE: Graph = {
    **_TEXTS,
    "4": _node("EmptyLatentImage", width=512, height=512, batch_size=1),
    "5": _node("KSampler", **{**_SAMPLING, "seed": 0, "steps": 1}),
    "6": _node("LatentMultiply", samples=["5", 0], multiplier=lambda number: 1 + number / 1000),
    "7": _node("VAEDecode", samples=["6", 0], vae=["1", 2]),
}
RACES = (
    Race(
        "TipoClipSkipEncode",
        "CLIPTextEncode",
        {"clip": ["1", 1], "text": "scenery, lighthouse, (evening light:1.2), " * 40 + "{}"},
        {"1": _CHECKPOINT},
        {"clip_skip": 0},
    ),
    Race(
        "TipoSampler",
        "KSampler",
        _SAMPLING,
        {**_TEXTS, "4": _node("EmptyLatentImage", width=128, height=128, batch_size=1)},
        {},
    ),
    Race("TipoLoadVae", "VAELoader", {"vae_name": _VAE}, {}, {}, MANY_ROUNDS),
    Race("TipoVaeDecode", "VAEDecode", {"samples": ["6", 0], "vae": ["1", 2]}, _NOISE, {}),
    Race("TipoVaeEncode", "VAEEncode", {"pixels": ["7", 0], "vae": ["1", 2]}, _NOISE, {}),
    Race(
        "TipoSaveImage",
        "SaveImage",
        {"images": ["8", 0], "filename_prefix": f"{_FOLDER}/{{}}"},
        {**_NOISE, "8": _node("RepeatImageBatch", image=["7", 0], amount=8)},
        {"format": "png", "quality": 90},
    ),
    # CFG in steps 5 to 12 of 20, against the same node with CFG in all steps.
    Race(
        "TipoSampler",
        "TipoSampler",
        {**_SAMPLING, "steps": 20},
        {**_TEXTS, "4": _node("EmptyLatentImage", width=256, height=256, batch_size=1)},
        {"cfg_start": 0.2, "cfg_end": 0.6},
        3,
        "interval CFG, 40 % of 20 steps, 256x256",
        0.75,
    ),
)


def _node_costs(setting: Setting, names: Sequence[str]) -> Iterator[tuple[str, Figure]]:
    """Run each pair by turns in one server; a figure is the least time of all rounds.

    The other times include the machine's other work, which is larger than the 2 % of the bars.
    """
    wanted = [race for race in RACES if race.aim.name in names]
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, setting.layout.base / "output" / _FOLDER, True)
        if any(race.core == "VAELoader" for race in wanted):
            stack.enter_context(_vae_files(setting))
        server = stack.enter_context(running_server(setting.layout, setting.host))
        client = stack.enter_context(Client(server.url))
        for race in wanted:
            times: dict[bool, list[float]] = {True: [], False: []}
            # The first round loads the weights. Each side begins every other round.
            for number in range(race.rounds + 1):
                for is_ours in (number % 2 == 0, number % 2 == 1):
                    if not race.feed:
                        # Freed memory at hand would save more time than the loading takes.
                        client.free()
                        time.sleep(_FREED_AFTER)
                    outcome = client.run(race.graph(number, is_ours=is_ours))
                    times[is_ours].append(outcome.seconds["timed"])
            ours, core = (min(times[is_ours][1:]) for is_ours in (True, False))
            yield race.aim.name, Figure(ours, core)


@contextlib.contextmanager
def _vae_files(setting: Setting) -> Iterator[None]:
    """Give the server a VAE under one name per round."""
    folder = setting.layout.base / "models" / "vae"
    first, *others = (folder / _VAE.format(number) for number in range(MANY_ROUNDS + 1))
    try:
        # As large as SD's: a small file loads too quickly to compare.
        command = [setting.host.python, HOSTED / "write_vae.py", setting.host.tree, first]
        subprocess.run([str(part) for part in command], check=True, capture_output=True)
        for path in others:
            os.link(first, path)
        yield
    finally:
        for path in (first, *others):
            Path(path).unlink(missing_ok=True)


NODES = Benchmark("run each node beside core's", [race.aim for race in RACES], _node_costs)


_IMPORT = Aim("import of the pack", "ms", at_most(50.0))


def _import_cost(setting: Setting, names: Sequence[str]) -> Iterator[tuple[str, Figure]]:
    """Import the pack and list its nodes after the imports of ComfyUI's start."""
    host = setting.host
    command = [host.python, HOSTED / "time_pack_import.py", setting.layout.root, host.tree]
    answer = subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, text=True
    )
    # The first import may have compiled the byte code, which the next start does not do again.
    # The other times include the machine's other work.
    times = [float(line) for line in answer.stdout.splitlines()[-5:]]
    yield _IMPORT.name, Figure(min(times) * 1000)


IMPORT = Benchmark("import the pack after ComfyUI's imports", [_IMPORT], _import_cost)
