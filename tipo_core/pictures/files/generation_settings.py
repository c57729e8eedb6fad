"""Reads from a graph how a picture was made: prompts, sampler, model, VAE."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..vae.vae_choice import CHECKPOINT_CHOICE, CONNECTED_CHOICE
from .graph_links import Graph, Node

# Inputs for pixels or latents, by the beginning of their names.
PIXEL_INPUTS = ("image", "samples", "latent", "pixels", "destination", "source")
# Inputs for text of the text encoders of all model families.
TEXT_INPUTS = tuple(
    "text text_g text_l clip_l clip_g t5xxl llama bert mt5xl prompt user_prompt".split()
)
MODEL_INPUTS = ("ckpt_name", "unet_name")
MODEL_ENDINGS = re.compile(r"\.(safetensors|sft|ckpt|gguf|pth?|bin)$", re.IGNORECASE)

# Nodes for one sampler or one schedule, without an input for its name.
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
class GenerationSettings:
    """The settings that a graph states; None for a setting that it does not state.

    `sampler` and `scheduler` are ComfyUI's names, `clip_skip` is A1111's count (1 is the last
    layer), `model` is a name without folder and file ending, `vae` is a file name.
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


def read_generation_settings(
    nodes: object, node_id: str, name: str = "images"
) -> GenerationSettings:
    """Read the settings of the pictures at input `name` of a node.

    `nodes` is the graph in API form. The links are followed back over pixels and latents to the
    last sampler. Where several samplers meet, no settings are read. A sampler that adds no noise
    continues the work of an earlier one: then the settings are those of the earlier sampler, which
    has the seed.
    """
    graph = Graph(nodes)
    node = graph.node(node_id)
    found = _nearest_samplers(graph, node, (name,)) if node else []
    samplers = {sampler.node_id: sampler for sampler, _ in found}
    if len(samplers) != 1:
        return GenerationSettings()
    (sampler,) = samplers.values()
    seen = set()
    while not _adds_noise(graph, sampler) and sampler.node_id not in seen:
        seen.add(sampler.node_id)
        earlier = {
            one.node_id: one for one, _ in _nearest_samplers(graph, sampler, ("latent_image",))
        }
        if len(earlier) != 1:
            break
        (sampler,) = earlier.values()

    guider = graph.linked(sampler, "guider") or sampler
    schedule = graph.linked(sampler, "sigmas") or sampler
    chosen = graph.linked(sampler, "sampler") or sampler
    noise = graph.linked(sampler, "noise") or sampler
    seeds = (graph.value(noise, name, int) for name in ("seed", "noise_seed"))
    positive = "positive" if "positive" in guider.inputs else "conditioning"
    encoders = _text_encoders(graph, guider, positive)
    model = _model_name(graph, guider)
    return GenerationSettings(
        positive=_common_text(graph, encoders),
        negative=_common_text(graph, _text_encoders(graph, guider, "negative")),
        steps=graph.value(schedule, "steps", int),
        sampler=SAMPLER_NODES.get(chosen.class_type) or graph.value(chosen, "sampler_name", str),
        scheduler=SCHEDULE_NODES.get(schedule.class_type)
        or graph.value(schedule, "scheduler", str),
        cfg=graph.value(guider, "cfg", float),
        seed=next((seed for seed in seeds if seed is not None), None)
        if _adds_noise(graph, sampler)
        else None,
        model=model,
        vae=_vae_name(graph, [decode for _, decode in found], model),
        denoise=graph.value(schedule, "denoise", float),
        clip_skip=_clip_skip(graph, encoders),
    )


def _nearest_samplers(
    graph: Graph, node: Node, names: tuple[str, ...]
) -> list[tuple[Node, Node | None]]:
    """The first sampler on each way back over pixels and latents, each with its VAE decode."""
    found: dict[tuple[str, str], tuple[Node, Node | None]] = {}
    todo: list[tuple[Node, Node | None, tuple[str, ...]]] = [(node, None, names)]
    seen = set()
    while todo:
        node, decode, names = todo.pop()
        for name in (name for name in node.inputs if name.startswith(names)):
            origin = graph.linked(node, name)
            if origin is None:
                continue
            if origin.is_sampler:
                found[origin.node_id, decode.node_id if decode else ""] = origin, decode
            elif origin.node_id not in seen:
                seen.add(origin.node_id)
                decodes = {"samples", "vae"} <= set(origin.inputs)
                todo.append((origin, origin if decodes else decode, PIXEL_INPUTS))
    return list(found.values())


def _text_encoders(graph: Graph, node: Node | None, name: str) -> list[Node | None]:
    """The nodes that made a conditioning; None stands for an unknown one."""
    found: list[Node | None] = []
    seen: set[tuple[str, int]] = set()
    todo = [graph.source(node, name)]
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
            todo.append(graph.source(node, side))
        else:
            inputs = [key for key in node.inputs if key.startswith("conditioning")]
            todo += [graph.source(node, key) for key in inputs] or [None]
    return found


def _encoded_text(graph: Graph, encoder: Node | None) -> str | None:
    """The text of an encoder; different texts of one encoder are joined by line breaks."""
    if encoder is None:
        return None
    if encoder.class_type == "ConditioningZeroOut":
        return ""
    texts = [graph.value(encoder, name, str) for name in TEXT_INPUTS if name in encoder.inputs]
    if not texts or None in texts:
        return None
    return "\n".join(dict.fromkeys(text for text in texts if text))


def _common_text(graph: Graph, encoders: list[Node | None]) -> str | None:
    """The text of the encoders if all have the same one."""
    texts = {_encoded_text(graph, encoder) for encoder in encoders}
    return texts.pop() if len(texts) == 1 else None


def _clip_skip(graph: Graph, encoders: list[Node | None]) -> int | None:
    """Clip skip in A1111's count: the encoder's own, or that of CLIP Set Last Layer."""
    skips = set()
    for encoder in encoders:
        skip = abs(graph.value(encoder, "clip_skip", int) or 0)
        for node in graph.chain(encoder, "clip"):
            skip = skip or -(graph.value(node, "stop_at_clip_layer", int) or 0)
        skips.add(skip)
    skip = skips.pop() if len(skips) == 1 else 0
    return skip if skip > 0 else None


def _model_name(graph: Graph, node: Node | None) -> str | None:
    """The name of the checkpoint or diffusion model at an input `model`."""
    for loader in graph.chain(node, "model"):
        for name in MODEL_INPUTS:
            if file := graph.value(loader, name, str):
                return MODEL_ENDINGS.sub("", _file_name(file))
    return None


def _vae_name(graph: Graph, decodes: list[Node | None], model: str | None) -> str | None:
    """The file of the VAE that decoded; None for the VAE of the model's checkpoint."""
    files = {_vae_file(graph, graph.linked(decode, "vae")) for decode in decodes}
    file = files.pop() if len(files) == 1 else None
    if not file:
        return None
    name = _file_name(file.removeprefix(CHECKPOINT_CHOICE))
    is_models_own = file.startswith(CHECKPOINT_CHOICE) and MODEL_ENDINGS.sub("", name) == model
    return None if is_models_own else name


def _vae_file(graph: Graph, loader: Node | None) -> str | None:
    """The file of a VAE loader; of a connected VAE, the file of its own loader."""
    file: str | None = graph.value(loader, "vae_name", str)
    if file != CONNECTED_CHOICE:
        return file
    for before in graph.chain(loader, "connected_vae"):
        if (file := graph.value(before, "vae_name", str)) != CONNECTED_CHOICE:
            return file
    return None


def _adds_noise(graph: Graph, sampler: Node) -> bool:
    noise = graph.linked(sampler, "noise")
    off = sampler.inputs.get("add_noise") in ("disable", False)
    return not off and not (noise and noise.class_type == "DisableNoise")


def _file_name(path: str) -> str:
    """The last part of a Windows or POSIX path."""
    return re.split(r"[/\\]", path)[-1]
