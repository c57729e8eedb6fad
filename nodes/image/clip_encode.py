"""CLIP Text Encode (Clip Skip): a prompt encoded with layer, weights and schedule, and shown."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io, ui

from ...tipo_core.pictures.text.schedule_times import FRACTIONS, OF_STEPS
from ...tipo_core.pictures.text.token_weights import COMFY, INTERPRETATIONS, NORMALIZATIONS
from ..host_features import schema
from ..inputs import SdxlSizeType, clip_skip_input, linked_text, report_output, text_output
from .prompt_encoding import AUTO, SYNTAXES, Settings, Texts, encode
from .sdxl_size import SdxlSize


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
                "schedule_fractions",
                "syntax",
            ],
            shows_report=True,
            description="Encodes a prompt like CLIP Text Encode, with clip skip, the meaning of "
            "weights and prompt schedules set here, and shows layers, tokens and chunks. The "
            "incoming CLIP is not changed.",
            inputs=[
                io.Clip.Input("clip", tooltip="Text encoder from a checkpoint or CLIP loader."),
                io.String.Input(
                    "text",
                    multiline=True,
                    dynamic_prompts=True,
                    tooltip="Prompt to encode. (word:1.2) weights a word. Each chunk holds 75 "
                    "tokens (77 with its two ends); BREAK begins a new chunk. [from:to:0.5] "
                    "changes at half of the schedule, [a|b] at each step, AND joins two prompts.",
                ),
                clip_skip_input(
                    "Counted as in A1111: 0 = the model's own default, 1 = last layer, 2 = the "
                    "layer before it. ComfyUI's negative numbers mean the same (-2 is 2). SD1.x "
                    "anime models often need 2; SDXL's default already is 2."
                ),
                io.Combo.Input(
                    "weight_interpretation",
                    options=list(INTERPRETATIONS),
                    default=COMFY,
                    optional=True,
                    tooltip="Effect of (word:1.2) on CLIP's output. comfy: away from an empty "
                    "prompt, as in core. A1111: longer vectors, as in that program. compel and "
                    "comfy++ lower a weight by leaving the word out; down_weight only lowers.",
                ),
                io.Combo.Input(
                    "token_normalization",
                    options=list(NORMALIZATIONS),
                    default="none",
                    optional=True,
                    tooltip="Change of the weights before use: mean brings the mean weight of all "
                    "words to 1, length divides a word's weight among its tokens.",
                ),
                io.Boolean.Input(
                    "prompt_syntax",
                    default=True,
                    optional=True,
                    tooltip="Reads BREAK, AND, [from:to:when], [a::when] and [a|b]. Off: they are "
                    "plain text, as in core.",
                ),
                io.Int.Input(
                    "schedule_steps",
                    default=20,
                    min=1,
                    max=10000,
                    optional=True,
                    tooltip="Steps of the sampler. Sampler (CFG / Denoise) counts its own steps; "
                    "other samplers change the text at times that are computed for this number.",
                ),
                linked_text(
                    "text_g",
                    "Another text for CLIP-G of SDXL or SD3, for example the caption if text holds "
                    "the tags. Empty: the same as text.",
                ),
                linked_text(
                    "text_t5",
                    "Another text for T5 and language models (SD3, Flux, ...), for example the "
                    "caption if text holds the tags. Empty: the same as text.",
                ),
                SdxlSizeType.Input(
                    "size",
                    optional=True,
                    tooltip="From SDXL Size: picture size and crop as conditioning of SDXL.",
                ),
                io.Combo.Input(
                    "schedule_fractions",
                    options=list(FRACTIONS),
                    default=OF_STEPS,
                    optional=True,
                    tooltip="Meaning of 0.57 in [from:to:0.57]. of the steps: after int(0.57 x "
                    "steps) steps, as in A1111. of the timesteps: a share of the model's "
                    "timesteps, as ComfyUI's start_percent; the scheduler decides the step.",
                ),
                io.Combo.Input(
                    "syntax",
                    options=list(SYNTAXES),
                    default=AUTO,
                    optional=True,
                    tooltip="Whose rules read the prompt. A1111: nested weights multiply, [a] "
                    "lowers, file names insert embeddings, chunks end at a comma. auto: A1111 "
                    "with that weight_interpretation, otherwise ComfyUI.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(
                    "conditioning", display_name="conditioning", tooltip="For a sampler."
                ),
                report_output(
                    "Layers, tokens and borders of the chunks, the steps of each text, and parts "
                    "that were left out."
                ),
                text_output("encoded_text", "text", "The encoded text."),
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
        schedule_fractions: str = OF_STEPS,
        syntax: str = AUTO,
    ) -> io.NodeOutput:
        settings = Settings(
            clip_skip,
            weight_interpretation,
            token_normalization,
            prompt_syntax,
            schedule_steps,
            schedule_fractions,
            syntax,
        )
        texts = Texts(text, text_g or "", text_t5 or "")
        conditioning, report = encode(clip, texts, settings, size)
        return io.NodeOutput(conditioning, report, text, ui=ui.PreviewText(report))


NODES = [TipoClipSkipEncode]
