"""Reads from a graph how a picture was made: prompts, sampler, model, VAE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from ..sampling.axis import AUTOMATIC_VAE, CHECKPOINT, VAE
from ..vae.vae_choice import CHECKPOINT_CHOICE, CONNECTED_CHOICE
from .graph_links import Graph, Node
from .swept_values import GRID_NODE, SWEEP_NODE, ShownAxis
from .way_back import adds_noise, latent_size, way_back, with_noise

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
    layer), `model` is a name without folder and file ending, `vae` is a file name, `axes` are the
    columns and rows of a grid.
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
    axes: tuple[ShownAxis, ShownAxis] | None = None

    def updated(self, other: GenerationSettings) -> GenerationSettings:
        """Return these settings with those that the other states in their place."""
        values = ((one.name, getattr(other, one.name)) for one in fields(other))
        return replace(self, **{name: value for name, value in values if value is not None})


def read_generation_settings(
    graph: Graph, node_id: str, name: str = "images"
) -> GenerationSettings:
    """Read the settings of the pictures at input `name` of a node.

    The links are followed back over pixels and latents to the last sampler. Where several samplers
    meet, no settings are read. A sampler that adds no noise continues the work of an earlier one:
    then the settings are those of the earlier sampler, which has the seed. A setting that a sweep
    changes is that of the picture's place in the list. A grid over steps has those of its first
    cell, as in A1111, because readers need the number.
    """
    back = way_back(graph, graph.node(node_id), (name,))
    if len(back.samplers) != 1:
        return GenerationSettings()
    sampler = with_noise(graph, back.samplers[0])

    guider = graph.linked(sampler, "guider") or sampler
    schedule = graph.linked(sampler, "sigmas") or sampler
    chosen = graph.linked(sampler, "sampler") or sampler
    noise = graph.linked(sampler, "noise") or sampler
    seeds = (graph.value(noise, name, int) for name in ("seed", "noise_seed"))
    positive = "positive" if "positive" in guider.inputs else "conditioning"
    encoders = _text_encoders(graph, guider, positive)
    file = model_file(graph, guider)
    model = model_name(file) if file else None
    grids = [node for node in back.between if node.class_type == GRID_NODE]
    axes = graph.axes(grids[0]) if len(grids) == 1 else None
    steps = graph.value(schedule, "steps", int)
    if steps is None and axes:
        steps = _first_steps(graph, schedule, axes)
    return GenerationSettings(
        positive=_common_text(graph, encoders),
        negative=_common_text(graph, _text_encoders(graph, guider, "negative")),
        steps=steps,
        sampler=SAMPLER_NODES.get(chosen.class_type) or graph.value(chosen, "sampler_name", str),
        scheduler=SCHEDULE_NODES.get(schedule.class_type)
        or graph.value(schedule, "scheduler", str),
        cfg=graph.value(guider, "cfg", float),
        seed=next((seed for seed in seeds if seed is not None), None)
        if adds_noise(graph, sampler)
        else None,
        model=model,
        vae=_vae_name(vae_file(graph, back.decodes), model),
        denoise=graph.value(schedule, "denoise", float),
        clip_skip=_clip_skip(graph, encoders),
        axes=axes,
    )


def _first_steps(graph: Graph, schedule: Node, axes: tuple[ShownAxis, ShownAxis]) -> int | None:
    """The steps of a grid's first cell, if an axis has them and the sampler got them from it."""
    sweep = graph.linked(schedule, "steps")
    shown = dict(axis for axis in axes if axis).get("steps")
    return int(shown[0]) if shown and sweep and sweep.class_type == SWEEP_NODE else None


def read_generated_size(
    graph: Graph, node_id: str, picture: tuple[int, int], name: str = "images"
) -> tuple[int, int] | None:
    """Read the (width, height) at which the pictures at input `name` of a node were generated.

    A picture that comes from the decode as it is has its own size, `picture`. After other nodes,
    such as an upscaler or a grid, the size is that of the sampler's latent, None for unknown.
    """
    back = way_back(graph, graph.node(node_id), (name,))
    if len(back.samplers) != 1:
        return None
    if set(back.between) <= set(back.decodes):
        return picture
    return latent_size(graph, with_noise(graph, back.samplers[0]))


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


def model_file(graph: Graph, node: Node | None) -> str | None:
    """The file of the checkpoint or diffusion model at an input `model`."""
    for loader in graph.chain(node, "model"):
        is_swept, swept = graph.swept(loader, CHECKPOINT)
        if is_swept:
            return str(swept) if swept else None
        for name in MODEL_INPUTS:
            if file := graph.value(loader, name, str):
                return str(file)
    return None


def vae_file(graph: Graph, decodes: Sequence[Node | None]) -> str | None:
    """The file of the VAE that decoded, or "checkpoint: " and the file of a checkpoint."""
    files = {_vae_file(graph, graph.linked(decode, "vae")) for decode in decodes}
    return files.pop() if len(files) == 1 else None


def _vae_name(file: str | None, model: str | None) -> str | None:
    """The name of a VAE file; None for the VAE of the model's checkpoint."""
    if not file:
        return None
    name = file_name(file.removeprefix(CHECKPOINT_CHOICE))
    is_models_own = file.startswith(CHECKPOINT_CHOICE) and model_name(name) == model
    return None if is_models_own else name


def _vae_file(graph: Graph, loader: Node | None) -> str | None:
    """The file of a VAE loader; of a connected VAE, the file of its own loader."""
    seen = set()
    while loader and loader.node_id not in seen:
        seen.add(loader.node_id)
        is_swept, swept = graph.swept(loader, VAE)
        file = swept if is_swept else graph.value(loader, "vae_name", str)
        if file is not None and file not in (CONNECTED_CHOICE, AUTOMATIC_VAE):
            return str(file)
        loader = graph.linked(loader, "vae" if "sweep" in loader.inputs else "connected_vae")
    return None


def file_name(path: str) -> str:
    """The last part of a Windows or POSIX path."""
    return re.split(r"[/\\]", path)[-1]


def model_name(path: str) -> str:
    """The name of a model file, without folder and ending."""
    return MODEL_ENDINGS.sub("", file_name(path))
