"""Graphs of picture nodes, and the files that they save."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import load_file

from devkit.server.server import Server
from devkit.server.websocket_client import Graph, Outcome
from devkit.setup.toy_sd import NAME

TEXT = "scenery, lighthouse, (sea:1.3), evening light, 1girl, reading a book"
SECONDS = 300.0


class Builder:
    """A graph in API form, grown node by node; `add` returns the id, for links."""

    def __init__(self) -> None:
        self.graph: Graph = {}
        self.checkpoint = self.add("CheckpointLoaderSimple", ckpt_name=NAME)
        self.model, self.clip, self.vae = ([self.checkpoint, slot] for slot in range(3))
        self.empty = self.latent()
        self.negative = [self.add("CLIPTextEncode", clip=self.clip, text="blurry"), 0]

    def add(self, class_type: str, **inputs: Any) -> str:
        node_id = str(len(self.graph) + 1)
        self.graph[node_id] = {"class_type": class_type, "inputs": inputs}
        return node_id

    def latent(self, batch_size: int = 1) -> list[Any]:
        return [self.add("EmptyLatentImage", width=64, height=64, batch_size=batch_size), 0]

    def encode(self, clip_skip: Any, text: Any = TEXT, clip: Any = None) -> str:
        clip = clip or self.clip
        return self.add("TipoClipSkipEncode", clip=clip, text=text, clip_skip=clip_skip)

    def core_encode(self, layer: int | None = None) -> str:
        clip = self.clip
        if layer is not None:
            clip = [self.add("CLIPSetLastLayer", clip=clip, stop_at_clip_layer=layer), 0]
        return self.add("CLIPTextEncode", clip=clip, text=TEXT)

    def sample(self, sampler: str, positive: str, **changes: Any) -> str:
        inputs = {
            "model": self.model,
            "seed": 3,
            "steps": 2,
            "cfg": 6.5,
            "sampler_name": "euler",
            "scheduler": "normal",
            "positive": [positive, 0],
            "negative": self.negative,
            "latent_image": self.empty,
            "denoise": 1.0,
        }
        return self.add(sampler, **(inputs | changes))

    def save_latent(self, latent: str) -> str:
        return self.add("SaveLatent", samples=[latent, 0], filename_prefix="latents/test")

    def encoded(self, encode_node: str) -> str:
        """Save the latent that core's sampler draws with the conditioning of `encode_node`."""
        return self.save_latent(self.sample("KSampler", encode_node, steps=1, cfg=1.0))


def saved_file(server: Server, outcome: Outcome, node: str, kind: str = "images") -> Path:
    entry = outcome.outputs[node][kind][0]
    return Path(server.base, "output", entry["subfolder"], entry["filename"])


def saved_latent(server: Server, outcome: Outcome, node: str) -> np.ndarray:
    return load_file(saved_file(server, outcome, node, "latents"))["latent_tensor"]


def assert_equal(arrays: Iterable[np.ndarray]) -> None:
    """Assert that two arrays are equal to the bit."""
    one, other = arrays
    np.testing.assert_array_equal(one, other)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))
