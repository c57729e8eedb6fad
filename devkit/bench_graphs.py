"""The graphs that the benchmarks run in a real server."""

from __future__ import annotations

import statistics

from devkit import stand_in
from devkit.client import Client, Graph
from devkit.host import Host
from devkit.layout import Layout
from devkit.session import running_server

ROUNDS = 3


def sampler_graph(class_type: str, seed: int) -> Graph:
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
        "4": _node("EmptyLatentImage", width=128, height=128, batch_size=1),
        "5": {"class_type": class_type, "inputs": sampler},
        "6": _node("VAEDecode", samples=["5", 0], vae=["1", 2]),
        "7": _node("PreviewImage", images=["6", 0]),
    }


def sampler_seconds(layout: Layout, host: Host) -> tuple[float, float]:
    """Return the median seconds of TipoSampler and of KSampler, run in turn."""
    times: dict[str, list[float]] = {"TipoSampler": [], "KSampler": []}
    with running_server(layout, host) as server, Client(server.url) as client:
        # The first run of each loads the weights; it is not counted.
        for seed in range(ROUNDS + 1):
            for class_type, seconds in times.items():
                outcome = client.run(sampler_graph(class_type, seed))
                seconds.append(outcome.seconds["5"])
    ours, cores = (statistics.median(seconds[1:]) for seconds in times.values())
    return ours, cores


def _node(class_type: str, **inputs: object) -> dict[str, object]:
    return {"class_type": class_type, "inputs": inputs}
