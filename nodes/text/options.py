"""TIPO Sampling Options: how tokens are drawn, chosen once for several nodes."""

from __future__ import annotations

from comfy_api.latest import io

from ...tipo_core.lm.generate.token_sampling import SamplingOptions
from ..host_features import schema

OptionsType = io.Custom("TIPO_OPTIONS")


class TipoOptions(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        defaults = SamplingOptions()
        return schema(
            node_id="TipoOptions",
            display_name="TIPO Sampling Options",
            category="TIPO",
            search_aliases=["temperature", "top p", "top k", "repetition penalty"],
            advanced=["min_p", "repetition_penalty", "max_new_tokens"],
            description="How the language model draws its words: chosen once, for any number of "
            "TIPO Expand and TIPO Single Task nodes. The values here are those of TIPO's authors.",
            inputs=[
                io.Float.Input(
                    "temperature",
                    default=defaults.temperature,
                    min=0.0,
                    max=10.0,
                    step=0.01,
                    tooltip="Higher is more surprising; 0 always takes the likeliest word.",
                ),
                io.Float.Input(
                    "top_p",
                    default=defaults.top_p,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Draw only from the likeliest words that make up this share; 1 = all.",
                ),
                io.Float.Input(
                    "min_p",
                    default=defaults.min_p,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Leave out words less likely than this share of the likeliest; 0 = "
                    "none.",
                ),
                io.Int.Input(
                    "top_k",
                    default=defaults.top_k,
                    min=0,
                    max=100_000,
                    tooltip="Draw only from this many of the likeliest words; 0 = all.",
                ),
                io.Float.Input(
                    "repetition_penalty",
                    default=defaults.repetition_penalty,
                    min=0.1,
                    max=10.0,
                    step=0.01,
                    tooltip="Above 1 makes words that are there already less likely; 1 = none.",
                ),
                io.Int.Input(
                    "max_new_tokens",
                    default=defaults.max_new_tokens,
                    min=1,
                    max=100_000,
                    tooltip="Where one answer of the model is cut off at the latest. The nodes ask "
                    "again until a length is reached, so a small number costs time, not text.",
                ),
            ],
            outputs=[
                OptionsType.Output(
                    "options",
                    display_name="options",
                    tooltip="For TIPO Expand and TIPO Single Task.",
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        temperature: float,
        top_p: float,
        min_p: float,
        top_k: int,
        repetition_penalty: float,
        max_new_tokens: int,
    ) -> io.NodeOutput:
        options = SamplingOptions(
            temperature=temperature,
            top_p=top_p,
            min_p=min_p,
            top_k=top_k,
            repetition_penalty=repetition_penalty,
            max_new_tokens=max_new_tokens,
        )
        return io.NodeOutput(options)


NODES = [TipoOptions]
