"""The graphs that the benchmarks run in a real server."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from devkit import stand_in
from devkit.client import Client, Graph
from devkit.host import Host
from devkit.layout import Layout
from devkit.session import running_server

ROUNDS = 3
# Steps 5 to 12 of twenty.
INTERVAL: dict[str, object] = {"cfg_start": 0.2, "cfg_end": 0.6}


def sampler_graph(class_type: str, seed: int, size: int = 128, **changes: object) -> Graph:
    """Return a graph that samples with a node of the given type and previews the picture."""
    sampler = {
        "model": ["1", 0],
        "seed": seed,
        "steps": 8,
        "cfg": 7.0,
        "sampler_name": "euler",
        "scheduler": "normal",
        "positive": ["2", 0],
        "negative": ["3", 0],
        "latent_image": ["4", 0],
        "denoise": 1.0,
    }
    return {
        "1": _node("CheckpointLoaderSimple", ckpt_name=stand_in.NAME),
        "2": _node("CLIPTextEncode", clip=["1", 1], text="1girl, cat ears"),
        "3": _node("CLIPTextEncode", clip=["1", 1], text=""),
        "4": _node("EmptyLatentImage", width=size, height=size, batch_size=1),
        "5": {"class_type": class_type, "inputs": sampler | changes},
        "6": _node("VAEDecode", samples=["5", 0], vae=["1", 2]),
        "7": _node("PreviewImage", images=["6", 0]),
    }


def sampler_seconds(layout: Layout, host: Host) -> tuple[float, float]:
    """Return the median seconds of TipoSampler and of KSampler, run in turn."""
    ours, cores = _in_turn(layout, host, 128, [("TipoSampler", {}), ("KSampler", {})])
    return ours, cores


def interval_seconds(layout: Layout, host: Host) -> tuple[float, float]:
    """Return the median seconds of TipoSampler with CFG in 40 % of its steps and in all."""
    steps: dict[str, object] = {"steps": 20}
    nodes = [("TipoSampler", steps | INTERVAL), ("TipoSampler", steps)]
    interval, full = _in_turn(layout, host, 256, nodes)
    return interval, full


def _in_turn(
    layout: Layout, host: Host, size: int, nodes: Sequence[tuple[str, Mapping[str, object]]]
) -> list[float]:
    times: list[list[float]] = [[] for _ in nodes]
    with running_server(layout, host) as server, Client(server.url) as client:
        # The first run of each loads the weights; it is not counted.
        for seed in range(ROUNDS + 1):
            for (class_type, inputs), seconds in zip(nodes, times, strict=True):
                outcome = client.run(sampler_graph(class_type, seed, size, **inputs))
                seconds.append(outcome.seconds["5"])
    return [statistics.median(seconds[1:]) for seconds in times]


def _node(class_type: str, **inputs: object) -> dict[str, object]:
    return {"class_type": class_type, "inputs": inputs}
