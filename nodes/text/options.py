"""TIPO Sampling Options: how tokens are drawn, set once for several nodes."""

from __future__ import annotations

from comfy_api.latest import io

from ...tipo_core.lm.generate.sampling_options import SamplingOptions
from ..host_features import schema
from ..inputs import OptionsType, token_sampling_inputs


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
            description="How the language model draws its words, set once for any number of TIPO "
            "Expand and TIPO Single Task nodes. The defaults are those of TIPO's authors.",
            inputs=[
                *token_sampling_inputs(temperature_max=10.0, top_k_max=100_000),
                io.Float.Input(
                    "repetition_penalty",
                    default=defaults.repetition_penalty,
                    min=0.1,
                    max=10.0,
                    step=0.01,
                    tooltip="Values above 1 make words that already occur less likely; 1 = off.",
                ),
                io.Int.Input(
                    "max_new_tokens",
                    default=defaults.max_new_tokens,
                    min=1,
                    max=100_000,
                    tooltip="Largest number of tokens in one answer of the model. The nodes ask "
                    "again until a length is reached: a small number costs time, not text.",
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
