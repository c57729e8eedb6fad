"""The arms of the comparison as graphs for a ComfyUI server: how each trains and draws.

The pack's trainings keep their state on the server, so each drawing graph simply contains the
training: it goes on, or is finished. ComfyUI's own node keeps nothing; its LoRA is saved and found
by its name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tipo_core.comfy_api.api_graph import combo_options, input_spec
from tipo_core.comfy_api.http_client import Graph

from .subject_prompts import CLASS, TOKEN

UNTRAINED, PRIOR, NO_PRIOR, CORE = "untrained", "prior", "no-prior", "core"
ARMS = (UNTRAINED, PRIOR, NO_PRIOR, CORE)
_EXAMPLE = "example: sks critter"
_CORE_PREFIX = "loras/lab-core"
_LORA, _CORE_NODE = "LORA_MODEL", "TrainLoraNode"


@dataclass(frozen=True)
class Settings:
    """What all arms share: the checkpoint, and a LoRA of a rank trained for some steps at a rate.

    `class_count` class pictures are drawn for the prior with `class_steps` steps.
    """

    checkpoint: str = "toy-sd.safetensors"
    steps: int = 400
    rank: int = 16
    learning_rate: float = 5e-4
    targets: str = "attention"
    class_count: int = 50
    class_steps: int = 12
    seed: int = 0
    side: int = 128
    training: tuple[tuple[str, Any], ...] = ()  # other inputs of DreamBooth Train


@dataclass(frozen=True)
class Sampling:
    """How all pictures are drawn; the seed is the row's."""

    steps: int = 10
    cfg: float = 5.0


def input_value(text: str) -> tuple[str, Any]:
    """Return name and value of INPUT=VALUE; the value is JSON where it can be, else a text."""
    name, equals, raw = text.partition("=")
    if not (name and equals):
        raise ValueError(f"--set {text!r} is not INPUT=VALUE: write it as in --set ema_decay=0.99")
    try:
        return name, json.loads(raw)
    except ValueError:
        return name, raw


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    """Return a node in API form."""
    return {"class_type": class_type, "inputs": inputs}


class Arms:
    """Builds the graphs for a server with the node declarations `object_info`."""

    def __init__(self, settings: Settings, object_info: Mapping[str, Any]) -> None:
        self.settings, self._info = settings, object_info

    def class_graph(self) -> Graph:
        """Return the graph that draws the class pictures alone."""
        graph = self._base()
        graph.update(self._class_nodes())
        graph["shown"] = node("PreviewImage", images=["class", 1])
        return graph

    def training_graph(self, arm: str, pictures: Sequence[str] = ()) -> Graph:
        """Return the graph that trains an arm and nothing else.

        `pictures` are the subject's in the server's input folder, for ComfyUI's own node.
        """
        graph = self._base()
        if arm == CORE:
            return graph | self._core_training(pictures)
        return graph | self._training(arm == PRIOR)

    def drawing_graph(
        self, arm: str, texts: Sequence[str], seeds: Sequence[int], how: Sampling, lora: str = ""
    ) -> tuple[Graph, list[str]]:
        """Return the graph that draws a picture for each text, and the ids of its outputs."""
        graph = self._base()
        model: list[Any] = ["checkpoint", 0]
        if arm in (PRIOR, NO_PRIOR):
            graph |= self._training(arm == PRIOR)
            model = ["train", 0]
        elif arm == CORE:
            graph["lora"] = node(
                "LoraLoaderModelOnly", model=model, lora_name=lora, strength_model=1.0
            )
            model = ["lora", 0]
        side = self.settings.side
        graph["latent"] = node("EmptyLatentImage", width=side, height=side, batch_size=1)
        graph["negative"] = node("CLIPTextEncode", clip=["checkpoint", 1], text="")
        shown = []
        for number, (text, seed) in enumerate(zip(texts, seeds, strict=True)):
            graph[f"text {number}"] = node("CLIPTextEncode", clip=["checkpoint", 1], text=text)
            graph[f"draw {number}"] = node(
                "KSampler", model=model, seed=seed, steps=how.steps, cfg=how.cfg,
                sampler_name="euler", scheduler="normal", positive=[f"text {number}", 0],
                negative=["negative", 0], latent_image=["latent", 0], denoise=1.0,
            )  # fmt: skip
            graph[f"decode {number}"] = node(
                "VAEDecode", samples=[f"draw {number}", 0], vae=["checkpoint", 2]
            )
            graph[f"show {number}"] = node("PreviewImage", images=[f"decode {number}", 0])
            shown.append(f"show {number}")
        return graph, shown

    def core_lora(self) -> str:
        """Return the name of the LoRA that ComfyUI's own node made with the settings, or ''."""
        spec = input_spec(self._info, "LoraLoaderModelOnly", "lora_name")
        assert spec is not None
        name = self._core_prefix().partition("/")[2]
        found = [one for one in combo_options(spec) if one.startswith(name)]
        return sorted(found)[0] if found else ""

    def _base(self) -> Graph:
        return {"checkpoint": node("CheckpointLoaderSimple", ckpt_name=self.settings.checkpoint)}

    def _class_nodes(self) -> Graph:
        side = self.settings.side
        return {
            "class": node(
                "TipoClassImages", model=["checkpoint", 0], clip=["checkpoint", 1],
                vae=["checkpoint", 2], prompt=CLASS, negative="", count=self.settings.class_count,
                seed=1, steps=self.settings.class_steps, cfg=4.0, sampler_name="euler",
                scheduler="normal", width=side, height=side, batch_size=5, folder="none",
            )
        }  # fmt: skip

    def _training(self, with_prior: bool) -> Graph:
        own = self.settings
        graph: Graph = {
            "dataset": node(
                "TipoDreamBoothDataset", folder=_EXAMPLE, token=TOKEN, prompt=f"{TOKEN} {CLASS}",
                class_prompt="", width=own.side, height=own.side, crop="center", buckets=False,
                captions=True, repeats=1, mirrored=False, seed=0,
            )
        }  # fmt: skip
        given = {
            "model": ["checkpoint", 0], "clip": ["checkpoint", 1], "vae": ["checkpoint", 2],
            "dataset": ["dataset", 0], "steps": own.steps, "rank": own.rank,
            "learning_rate": own.learning_rate, "targets": own.targets, "precision": "fp32",
            "seed": own.seed, "sample_every": 0, "sample_prompts": "", "filename_prefix": "",
            **dict(own.training),
        }  # fmt: skip
        if with_prior:
            graph |= self._class_nodes()
            given["class_images"] = ["class", 0]
        graph["train"] = self._with_defaults("TipoDreamBoothTrain", given)
        return graph

    def _core_training(self, pictures: Sequence[str]) -> Graph:
        own = self.settings
        graph: Graph = {}
        joined: list[Any] = []
        for number, name in enumerate(pictures):
            graph[f"picture {number}"] = node("LoadImage", image=name)
            graph[f"sized {number}"] = node(
                "ImageScale", image=[f"picture {number}", 0], upscale_method="lanczos",
                width=own.side, height=own.side, crop="center",
            )  # fmt: skip
            if joined:
                graph[f"joined {number}"] = node(
                    "ImageBatch", image1=joined, image2=[f"sized {number}", 0]
                )
                joined = [f"joined {number}", 0]
            else:
                joined = [f"sized {number}", 0]
        # A list of pictures: ComfyUI 0.3.75 cannot train on a batch of latents.
        graph["single"] = node("RebatchImages", images=joined, batch_size=1)
        graph["latents"] = node("VAEEncode", pixels=["single", 0], vae=["checkpoint", 2])
        graph["text"] = node("CLIPTextEncode", clip=["checkpoint", 1], text=f"{TOKEN} {CLASS}")
        given = {
            "model": ["checkpoint", 0], "latents": ["latents", 0], "positive": ["text", 0],
            "steps": own.steps, "rank": own.rank, "learning_rate": own.learning_rate,
            "seed": own.seed, "training_dtype": "fp32", "lora_dtype": "fp32",
            "gradient_checkpointing": False, "existing_lora": "[None]",
        }  # fmt: skip
        graph["train"] = self._with_defaults(_CORE_NODE, given)
        place = list(self._info[_CORE_NODE]["output"]).index(_LORA)  # differs between versions
        graph["save"] = node(
            "SaveLoRA", lora=["train", place], prefix=self._core_prefix(), steps=own.steps
        )
        return graph

    def _core_prefix(self) -> str:
        text = json.dumps(asdict(self.settings), sort_keys=True)
        return f"{_CORE_PREFIX}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def _with_defaults(self, class_type: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return a node whose other required inputs have the server's defaults."""
        values = {}
        for name, spec in self._info[class_type]["input"]["required"].items():
            options = spec[1] if len(spec) > 1 else {}
            if name in given:
                continue
            choices = combo_options(spec) if spec[0] == "COMBO" or isinstance(spec[0], list) else []
            values[name] = options.get("default", choices[0] if choices else None)
        return node(class_type, **{**values, **given})
