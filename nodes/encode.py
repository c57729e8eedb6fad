"""CLIP Text Encode (Clip Skip): core's encode, with the layer chosen here and shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import comfy.clip_model
import comfy.sd1_clip
from comfy_api.latest import io, ui

from ..tipo_core.pictures.clip_skip import (
    TextEncoder,
    chunk_token_counts,
    encode_report,
    layer_for_skip,
)


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


def encode_with_skip(clip: Any, text: str, clip_skip: int) -> tuple[Any, str]:
    """Conditioning of `text` at `clip_skip`, and the report. `clip` is left as it was."""
    if clip is None:
        raise ValueError(
            "The clip input is empty: the checkpoint holds no text encoder. Load one with a "
            "CLIP loader node, or choose a checkpoint that includes it."
        )
    encoders = text_encoders(clip)
    layer = layer_for_skip(clip_skip, encoders)
    if layer is not None:
        clip = clip.clone()
        clip.clip_layer(layer)
        encoders = [replace(encoder, layer=layer) for encoder in encoders]
    conditioning = clip.encode_from_tokens_scheduled(clip.tokenize(text))
    counts = chunk_token_counts(clip.tokenize(text, return_word_ids=True))
    return conditioning, encode_report(clip_skip, encoders, counts)


class TipoClipSkipEncode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TipoClipSkipEncode",
            display_name="CLIP Text Encode (Clip Skip)",
            category="TIPO/conditioning",
            description="Encodes a prompt as CLIP Text Encode does, with the clip skip chosen "
            "here, and shows the layers and tokens used. The CLIP that comes in is not changed.",
            inputs=[
                io.Clip.Input("clip", tooltip="Text encoder from a checkpoint or CLIP loader."),
                io.String.Input(
                    "text",
                    multiline=True,
                    dynamic_prompts=True,
                    tooltip="Prompt to encode. (word:1.2) weights a word; more than 75 tokens go "
                    "into further chunks of 77.",
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
            ],
            outputs=[
                io.Conditioning.Output(
                    "conditioning", display_name="conditioning", tooltip="For a sampler."
                ),
                io.String.Output(
                    "report", display_name="report", tooltip="Layers used and tokens in each chunk."
                ),
                io.String.Output("encoded_text", display_name="text", tooltip="The text encoded."),
            ],
        )

    @classmethod
    def execute(cls, clip: Any, text: str, clip_skip: int) -> io.NodeOutput:
        conditioning, report = encode_with_skip(clip, text, clip_skip)
        return io.NodeOutput(conditioning, report, text, ui=ui.PreviewText(report))


NODES = [TipoClipSkipEncode]
