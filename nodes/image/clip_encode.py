"""CLIP Text Encode (Clip Skip): core's encode, with layer, weights and times chosen and shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import comfy.clip_model
import comfy.sd1_clip
import comfy.sdxl_clip
from comfy_api.latest import io, ui

from ...tipo_core.pictures.text.clip_skip import TextEncoder, layer_for_skip, skip_lines
from ...tipo_core.pictures.text.encode_report import EncodedClause, clause_lines
from ...tipo_core.pictures.text.prompt_schedule import Clause, clauses
from ...tipo_core.pictures.text.token_weights import COMFY, INTERPRETATIONS, NORMALIZATIONS
from ..host_features import schema
from .clip_tokens import PromptTokens, clip_encoders, left_out, prompt_tokens, read_chunks, weighted

SdxlSizeType = io.Custom("TIPO_SDXL_SIZE")


@dataclass(frozen=True)
class SdxlSize:
    """What SDXL is told of a picture's size; the names are core's."""

    width: int
    height: int
    crop_w: int
    crop_h: int
    target_width: int
    target_height: int


@dataclass(frozen=True)
class Texts:
    """The prompt for all encoders, and, where they are not empty, other ones for some."""

    text: str
    text_g: str = ""
    text_t5: str = ""

    @property
    def by_encoder(self) -> tuple[str, str, str]:
        """The text of CLIP-L, of CLIP-G and of the encoders that are no CLIP."""
        return self.text, self.text_g or self.text, self.text_t5 or self.text


@dataclass(frozen=True)
class Settings:
    """How a prompt is read; the names are the node's inputs."""

    clip_skip: int = 0
    weight_interpretation: str = COMFY
    token_normalization: str = "none"
    prompt_syntax: bool = True
    schedule_steps: int = 20

    @property
    def has_cores_weights(self) -> bool:
        """Whether core's own encoder does all that is asked for."""
        return self.weight_interpretation == COMFY and self.token_normalization == "none"


def text_encoders(clip: Any) -> list[TextEncoder]:
    """The encoders inside ComfyUI's CLIP value, with the layer that each is read at now."""
    encoders = []
    for path, module in clip.cond_stage_model.named_modules():
        if not isinstance(module, comfy.sd1_clip.SDClipModel):
            continue
        kind, default_layer = module.options_default[:2]
        layer = default_layer if kind == "hidden" else None
        # As SDClipModel.set_clip_options: a layer that the encoder does not have is its last one.
        if clip.layer_idx is not None:
            layer = clip.layer_idx if abs(clip.layer_idx) <= module.num_layers else None
        encoders.append(
            TextEncoder(
                name=path.rsplit(".", 1)[-1] or "text encoder",
                depth=module.num_layers,
                is_clip=isinstance(module.transformer, comfy.clip_model.CLIPTextModel),
                layer=layer,
            )
        )
    return encoders


def encode(
    clip: Any, texts: Texts, settings: Settings, size: SdxlSize | None = None
) -> tuple[list[Any], str]:
    """Return the conditioning of a prompt and the report. `clip` is left as it was.

    Without the forms of `prompt_schedule`, and with core's weights, it is core's own conditioning
    to the last bit. Raises ValueError for what cannot be encoded so.
    """
    if clip is None:
        raise ValueError(
            "The clip input is empty: the checkpoint holds no text encoder. Load one with a "
            "CLIP loader node, or choose a checkpoint that includes it."
        )
    encoders = text_encoders(clip)
    layer = layer_for_skip(settings.clip_skip, encoders)
    if layer is not None:
        clip = clip.clone()
        clip.clip_layer(layer)
        encoders = [replace(encoder, layer=layer) for encoder in encoders]
    is_weighted = not settings.has_cores_weights and bool(clip_encoders(clip.cond_stage_model))
    encoder = clip
    if is_weighted:
        how = settings.weight_interpretation, settings.token_normalization
        encoder = weighted(clip, *how)

    extras = {} if size is None else vars(size)
    conditioning: list[Any] = []
    encoded = []
    found = texts.by_encoder
    for clause in _clauses(found, settings):
        tokens = prompt_tokens(clip, *clause.texts, has_breaks=settings.prompt_syntax)
        conds = encoder.encode_from_tokens_scheduled(
            tokens.of_clip if is_weighted else tokens.for_core, add_dict=extras
        )
        conditioning += _timed(conds, clause)
        notes = left_out(clip, clause.texts, tokens)
        encoded.append(EncodedClause(clause, tuple(read_chunks(clip, tokens)), tuple(notes)))
    lines = skip_lines(settings.clip_skip, encoders)
    lines += _weight_lines(settings, is_weighted)
    lines += _unused_lines(clip, texts, size, tokens)
    return conditioning, "\n".join(lines + clause_lines(encoded))


def _clauses(texts: Sequence[str], settings: Settings) -> Sequence[Clause]:
    if settings.prompt_syntax:
        return clauses(texts, settings.schedule_steps)
    return (Clause(tuple(texts)),)


def _timed(conds: list[Any], clause: Clause) -> list[Any]:
    """Core's conditioning once for each time that the clause holds, with its weight."""
    share = {} if clause.weight == 1.0 else {"strength": clause.weight}
    timed = []
    for start, end in clause.percents:
        times = {} if clause.is_always else {"start_percent": start, "end_percent": end}
        timed += [[cond, {**options, **share, **times}] for cond, options in conds]
    return timed


def _weight_lines(settings: Settings, is_weighted: bool) -> list[str]:
    if settings.has_cores_weights:
        return []
    chosen = (
        f"weight_interpretation {settings.weight_interpretation}, "
        f"token_normalization {settings.token_normalization}"
    )
    if is_weighted:
        return [chosen]
    return [f"{chosen}: do not apply, the model does not read CLIP's output alone; comfy and none"]


def _unused_lines(
    clip: Any, texts: Texts, size: SdxlSize | None, tokens: PromptTokens
) -> list[str]:
    """What was given and is of no use to this model."""
    lines = []
    if texts.text_g and "g" not in tokens.of_clip:
        lines.append("text_g does not apply: the model has no CLIP-G")
    if texts.text_t5 and not tokens.others:
        lines.append("text_t5 does not apply: the model reads text with CLIP alone")
    is_sdxl = isinstance(clip.cond_stage_model, comfy.sdxl_clip.SDXLClipModel)
    if size is not None and is_sdxl:
        lines.append(
            f"size {size.width} x {size.height}, crop at {size.crop_w}, {size.crop_h}, "
            f"target {size.target_width} x {size.target_height}"
        )
    elif size is not None:
        lines.append("size does not apply: only SDXL is told sizes")
    return lines


class TipoClipSkipEncode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoClipSkipEncode",
            display_name="CLIP Text Encode (Clip Skip)",
            category="TIPO/conditioning",
            search_aliases=[
                "clip skip",
                "clip set last layer",
                "text encode",
                "prompt weights",
                "prompt schedule",
                "a1111 prompt",
                "BREAK",
            ],
            advanced=[
                "weight_interpretation",
                "token_normalization",
                "prompt_syntax",
                "schedule_steps",
            ],
            shows_report=True,
            description="Encodes a prompt as CLIP Text Encode does, with clip skip, the meaning of "
            "weights and prompt schedules chosen here, and shows layers, tokens and chunks. The "
            "CLIP that comes in is not changed.",
            inputs=[
                io.Clip.Input("clip", tooltip="Text encoder from a checkpoint or CLIP loader."),
                io.String.Input(
                    "text",
                    multiline=True,
                    dynamic_prompts=True,
                    tooltip="Prompt to encode. (word:1.2) weights a word; more than 75 tokens go "
                    "into further chunks of 77, and BREAK begins a new one. [from:to:0.5] changes "
                    "at half of the schedule, [a|b] at each step, AND joins two prompts.",
                ),
                io.Int.Input(
                    "clip_skip",
                    default=0,
                    min=-24,
                    max=24,
                    tooltip="Counted as in A1111: 0 = the model's own default, 1 = last layer, "
                    "2 = the one before it. ComfyUI's negative numbers mean the same (-2 is 2). "
                    "SD1.x anime models often want 2; the default of SDXL already is 2.",
                ),
                io.Combo.Input(
                    "weight_interpretation",
                    options=list(INTERPRETATIONS),
                    default=COMFY,
                    optional=True,
                    tooltip="What (word:1.2) does to CLIP's output. comfy: away from an empty "
                    "prompt, as core. A1111: longer vectors, as that program. compel and comfy++: "
                    "down by taking the word out; down_weight: only down.",
                ),
                io.Combo.Input(
                    "token_normalization",
                    options=list(NORMALIZATIONS),
                    default="none",
                    optional=True,
                    tooltip="Weights before they are used: mean brings the mean of all words to 1, "
                    "length gives the tokens of a long word less each.",
                ),
                io.Boolean.Input(
                    "prompt_syntax",
                    default=True,
                    optional=True,
                    tooltip="Reads BREAK, AND, [from:to:when], [a::when] and [a|b]. Off: they are "
                    "text, as for core.",
                ),
                io.Int.Input(
                    "schedule_steps",
                    default=20,
                    min=1,
                    max=10000,
                    optional=True,
                    tooltip="Steps of the sampler: only for [a|b], and for times given as the "
                    "number of a step, as in [from:to:8].",
                ),
                io.String.Input(
                    "text_g",
                    optional=True,
                    force_input=True,
                    tooltip="Another text for CLIP-G of SDXL or SD3, for example the caption where "
                    "text is the tags. Empty: the same as text.",
                ),
                io.String.Input(
                    "text_t5",
                    optional=True,
                    force_input=True,
                    tooltip="Another text for T5 and language models (SD3, Flux, ...), for example "
                    "the caption where text is the tags. Empty: the same as text.",
                ),
                SdxlSizeType.Input(
                    "size",
                    optional=True,
                    tooltip="From SDXL Size: picture size and crop that SDXL is told.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(
                    "conditioning", display_name="conditioning", tooltip="For a sampler."
                ),
                io.String.Output(
                    "report",
                    display_name="report",
                    tooltip="Layers, tokens and borders of the chunks, times, and what was left "
                    "out.",
                ),
                io.String.Output("encoded_text", display_name="text", tooltip="The text encoded."),
            ],
        )

    @classmethod
    def execute(
        cls,
        clip: Any,
        text: str,
        clip_skip: int,
        weight_interpretation: str = COMFY,
        token_normalization: str = "none",
        prompt_syntax: bool = True,
        schedule_steps: int = 20,
        text_g: str | None = None,
        text_t5: str | None = None,
        size: SdxlSize | None = None,
    ) -> io.NodeOutput:
        settings = Settings(
            clip_skip, weight_interpretation, token_normalization, prompt_syntax, schedule_steps
        )
        texts = Texts(text, text_g or "", text_t5 or "")
        conditioning, report = encode(clip, texts, settings, size)
        return io.NodeOutput(conditioning, report, text, ui=ui.PreviewText(report))


class TipoSdxlSize(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        def pixels(name: str, default: int, tooltip: str) -> io.Int.Input:
            return io.Int.Input(name, default=default, min=0, max=16384, tooltip=tooltip)

        return schema(
            node_id="TipoSdxlSize",
            display_name="SDXL Size",
            category="TIPO/conditioning",
            search_aliases=["sdxl conditioning", "crop", "target size"],
            description="The sizes that SDXL is told beside the prompt, for the positive and the "
            "negative CLIP Text Encode (Clip Skip).",
            inputs=[
                pixels("width", 1024, "Width of the picture that SDXL believes to draw from."),
                pixels("height", 1024, "Height of the picture that SDXL believes to draw from."),
                pixels("crop_w", 0, "Pixels cut off at the left; 0 keeps subjects whole."),
                pixels("crop_h", 0, "Pixels cut off at the top; 0 keeps subjects whole."),
                pixels("target_width", 1024, "Width of the result; best that of the latent."),
                pixels("target_height", 1024, "Height of the result; best that of the latent."),
            ],
            outputs=[
                SdxlSizeType.Output(
                    "size", display_name="size", tooltip="For CLIP Text Encode (Clip Skip)."
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        width: int,
        height: int,
        crop_w: int,
        crop_h: int,
        target_width: int,
        target_height: int,
    ) -> io.NodeOutput:
        return io.NodeOutput(SdxlSize(width, height, crop_w, crop_h, target_width, target_height))


NODES = [TipoClipSkipEncode, TipoSdxlSize]
