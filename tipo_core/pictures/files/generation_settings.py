"""How a picture was made, read from the graph in API form: prompts, sampler, model, VAE."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..vae.vae_choice import CHECKPOINT_CHOICE, CONNECTED_CHOICE

# Inputs that carry pixels or latents on, by the beginning of their names.
PIXEL_INPUTS = ("image", "samples", "latent", "pixels", "destination", "source")
# Where text encoders of the different model families take their text.
TEXT_INPUTS = tuple(
    "text text_g text_l clip_l clip_g t5xxl llama bert mt5xl prompt user_prompt".split()
)
MODEL_INPUTS = ("ckpt_name", "unet_name")
MODEL_ENDINGS = re.compile(r"\.(safetensors|sft|ckpt|gguf|pth?|bin)$", re.IGNORECASE)

# Nodes that are a sampler or a schedule themselves and have no name to choose.
SAMPLER_NODES = {
    "SamplerEulerAncestral": "euler_ancestral",
    "SamplerLMS": "lms",
    "SamplerDPMAdaptative": "dpm_adaptive",
    "SamplerDPMPP_SDE": "dpmpp_sde",
    "SamplerDPMPP_2S_Ancestral": "dpmpp_2s_ancestral",
    "SamplerDPMPP_2M_SDE": "dpmpp_2m_sde",
    "SamplerDPMPP_3M_SDE": "dpmpp_3m_sde",
}
SCHEDULE_NODES = {
    "KarrasScheduler": "karras",
    "ExponentialScheduler": "exponential",
    "PolyexponentialScheduler": "polyexponential",
    "AlignYourStepsScheduler": "align_your_steps",
    "BetaSamplingScheduler": "beta",
    "SDTurboScheduler": "turbo",
}


@dataclass(frozen=True)
class Generation:
    """What the graph says; None for what it does not say. Nothing in here is guessed.

    `sampler` and `scheduler` are ComfyUI's names, `clip_skip` is counted as in A1111 (1 = last
    layer), `model` is a name without folder and ending, `vae` a file name.
    """

    positive: str | None = None
    negative: str | None = None
    steps: int | None = None
    sampler: str | None = None
    scheduler: str | None = None
    cfg: float | None = None
    seed: int | None = None
    model: str | None = None
    vae: str | None = None
    denoise: float | None = None
    clip_skip: int | None = None


@dataclass(frozen=True)
class Node:
    """One node of the graph."""

    node_id: str
    class_type: str
    inputs: dict[str, Any] = field(hash=False, compare=False)

    def is_sampler(self) -> bool:
        return "latent_image" in self.inputs and bool({"positive", "guider"} & set(self.inputs))


Source = tuple[Node, int]


class Graph:
    """A graph in API form, whatever it is: what is malformed or missing is not found."""

    def __init__(self, nodes: object) -> None:
        self._nodes = nodes if isinstance(nodes, dict) else {}

    def node(self, node_id: str) -> Node | None:
        found = self._nodes.get(node_id)
        if not isinstance(found, dict):
            return None
        class_type, inputs = found.get("class_type"), found.get("inputs")
        if not isinstance(class_type, str) or not isinstance(inputs, dict):
            return None
        return Node(node_id, class_type, inputs)

    def source(self, node: Node | None, name: str) -> Source | None:
        """The node and the output that an input is linked to."""
        match node and node.inputs.get(name):
            case [str() | int() as node_id, int() as slot]:
                origin = self.node(str(node_id))
                return (origin, slot) if origin else None
        return None

    def linked(self, node: Node | None, name: str) -> Node | None:
        """The node that an input is linked to."""
        source = self.source(node, name)
        return source[0] if source else None

    def value(self, node: Node | None, name: str, kind: type) -> Any:
        """A widget's value; a linked one where the link leads to a primitive with a plain value."""
        seen = set()
        while node and (source := self.source(node, name)):
            node, slot = source
            if node.node_id in seen:
                return None
            seen.add(node.node_id)
            if node.class_type.startswith("Primitive"):
                name = "value"
            elif node.class_type == "TipoClipSkipEncode" and slot == 2:
                name = "text"  # its output `text` is its input
            else:
                return None
        value = node and node.inputs.get(name)
        if isinstance(value, bool) or (isinstance(value, (int, float)) and not abs(value) < 2**64):
            return None  # no widget takes a number as large, and NaN is none
        return value if isinstance(value, (int, float) if kind is float else kind) else None

    def back(self, node: Node | None, name: str) -> Iterator[Node]:
        """The nodes along one input name, e.g. `model`: a loader is the last of them."""
        seen = set()
        while (node := self.linked(node, name)) and node.node_id not in seen:
            seen.add(node.node_id)
            yield node

    def samplers(self, node: Node, names: tuple[str, ...]) -> list[tuple[Node, Node | None]]:
        """The samplers first met on each way back, each with the decode before it."""
        found: dict[tuple[str, str], tuple[Node, Node | None]] = {}
        todo: list[tuple[Node, Node | None, tuple[str, ...]]] = [(node, None, names)]
        seen = set()
        while todo:
            node, decode, names = todo.pop()
            for name in (name for name in node.inputs if name.startswith(names)):
                origin = self.linked(node, name)
                if origin is None:
                    continue
                if origin.is_sampler():
                    found[origin.node_id, decode.node_id if decode else ""] = origin, decode
                elif origin.node_id not in seen:
                    seen.add(origin.node_id)
                    decodes = {"samples", "vae"} <= set(origin.inputs)
                    todo.append((origin, origin if decodes else decode, PIXEL_INPUTS))
        return list(found.values())

    def encoders(self, node: Node | None, name: str) -> list[Node | None]:
        """Where a sampler's conditioning comes from; None stands for an unknown origin."""
        found: list[Node | None] = []
        seen: set[tuple[str, int]] = set()
        todo = [self.source(node, name)]
        while todo:
            source = todo.pop()
            if source is None:
                found.append(None)
                continue
            node, slot = source
            if (node.node_id, slot) in seen:
                continue
            seen.add((node.node_id, slot))
            if "clip" in node.inputs or node.class_type == "ConditioningZeroOut":
                found.append(node)
            elif {"positive", "negative"} <= set(node.inputs):
                side = {0: "positive", 1: "negative"}.get(slot, "")
                todo.append(self.source(node, side))
            else:
                inputs = [key for key in node.inputs if key.startswith("conditioning")]
                todo += [self.source(node, key) for key in inputs] or [None]
        return found

    def encoded_text(self, encoder: Node | None) -> str | None:
        """The text of an encoder. Where it takes several, each different one is a line."""
        if encoder is None:
            return None
        if encoder.class_type == "ConditioningZeroOut":
            return ""
        texts = [self.value(encoder, name, str) for name in TEXT_INPUTS if name in encoder.inputs]
        if not texts or None in texts:
            return None
        return "\n".join(dict.fromkeys(text for text in texts if text))

    def prompt(self, encoders: list[Node | None]) -> str | None:
        """The text that the encoders agree on."""
        texts = {self.encoded_text(encoder) for encoder in encoders}
        return texts.pop() if len(texts) == 1 else None

    def clip_skip(self, encoders: list[Node | None]) -> int | None:
        """Clip skip as A1111 counts it: the encoder's own, or that of CLIP Set Last Layer."""
        skips = set()
        for encoder in encoders:
            skip = abs(self.value(encoder, "clip_skip", int) or 0)
            for node in self.back(encoder, "clip"):
                skip = skip or -(self.value(node, "stop_at_clip_layer", int) or 0)
            skips.add(skip)
        skip = skips.pop() if len(skips) == 1 else 0
        return skip if skip > 0 else None

    def model_name(self, node: Node | None) -> str | None:
        """The name of the checkpoint or diffusion model behind an input `model`."""
        for loader in self.back(node, "model"):
            for name in MODEL_INPUTS:
                if file := self.value(loader, name, str):
                    return MODEL_ENDINGS.sub("", file_name(file))
        return None

    def vae_name(self, decodes: list[Node | None], model: str | None) -> str | None:
        """The file of the VAE that decoded; None for the one that came with the model."""
        files = {self.vae_file(self.linked(decode, "vae")) for decode in decodes}
        file = files.pop() if len(files) == 1 else None
        if not file:
            return None
        name = file_name(file.removeprefix(CHECKPOINT_CHOICE))
        is_models_own = file.startswith(CHECKPOINT_CHOICE) and MODEL_ENDINGS.sub("", name) == model
        return None if is_models_own else name

    def vae_file(self, loader: Node | None) -> str | None:
        """The file of the VAE that a loader gives: of a connected VAE, its own loader's."""
        file: str | None = self.value(loader, "vae_name", str)
        if file != CONNECTED_CHOICE:
            return file
        for before in self.back(loader, "connected_vae"):
            if (file := self.value(before, "vae_name", str)) != CONNECTED_CHOICE:
                return file
        return None

    def adds_noise(self, sampler: Node) -> bool:
        noise = self.linked(sampler, "noise")
        off = sampler.inputs.get("add_noise") in ("disable", False)
        return not off and not (noise and noise.class_type == "DisableNoise")


def file_name(path: str) -> str:
    """The last part of a path of either system."""
    return re.split(r"[/\\]", path)[-1]


def read_generation(nodes: object, node_id: str, name: str = "images") -> Generation:
    """What made the pictures at an input of a node.

    `nodes` is the graph in API form. The way leads back over pixels and latents to the sampler
    that ran last; where several samplers meet, none is named. A sampler that adds no noise goes on
    with what another began, and that one is meant: it holds the seed.
    """
    graph = Graph(nodes)
    node = graph.node(node_id)
    found = graph.samplers(node, (name,)) if node else []
    samplers = {sampler.node_id: sampler for sampler, _ in found}
    if len(samplers) != 1:
        return Generation()
    (sampler,) = samplers.values()
    seen = set()
    while not graph.adds_noise(sampler) and sampler.node_id not in seen:
        seen.add(sampler.node_id)
        before = {one.node_id: one for one, _ in graph.samplers(sampler, ("latent_image",))}
        if len(before) != 1:
            break
        (sampler,) = before.values()

    guider = graph.linked(sampler, "guider") or sampler
    schedule = graph.linked(sampler, "sigmas") or sampler
    chosen = graph.linked(sampler, "sampler") or sampler
    noise = graph.linked(sampler, "noise") or sampler
    seeds = (graph.value(noise, name, int) for name in ("seed", "noise_seed"))
    positive = "positive" if "positive" in guider.inputs else "conditioning"
    encoders = graph.encoders(guider, positive)
    model = graph.model_name(guider)
    return Generation(
        positive=graph.prompt(encoders),
        negative=graph.prompt(graph.encoders(guider, "negative")),
        steps=graph.value(schedule, "steps", int),
        sampler=SAMPLER_NODES.get(chosen.class_type) or graph.value(chosen, "sampler_name", str),
        scheduler=SCHEDULE_NODES.get(schedule.class_type)
        or graph.value(schedule, "scheduler", str),
        cfg=graph.value(guider, "cfg", float),
        seed=next((seed for seed in seeds if seed is not None), None)
        if graph.adds_noise(sampler)
        else None,
        model=model,
        vae=graph.vae_name([decode for _, decode in found], model),
        denoise=graph.value(schedule, "denoise", float),
        clip_skip=graph.clip_skip(encoders),
    )
