"""TIPO Format: an expansion put together by another template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io, ui

from ...tipo_core.prompt.presets import DEFAULT_TEMPLATE, PRESETS
from ..host_features import schema
from .expand import TipoExpansion

if TYPE_CHECKING:
    from ...tipo_core.expansion.request import Expansion

CUSTOM = "custom"
CHOICES = [CUSTOM, *PRESETS]


def template_of(preset: str, template: str) -> str:
    """Return the template of a menu entry; 'custom' is the one that was written."""
    if preset not in CHOICES:
        raise ValueError(f"preset {preset!r} is unknown: choose {', '.join(CHOICES)}")
    return template if preset == CUSTOM else PRESETS[preset]


class TipoFormat(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoFormat",
            display_name="TIPO Format",
            category="TIPO",
            search_aliases=["prompt template", "natural language", "tags first"],
            is_text_node=True,
            description="Puts an expansion together by a preset or by a template of your own; the "
            "model does not run again for it.",
            inputs=[
                TipoExpansion.Input("expansion", tooltip="From TIPO Expand."),
                io.Combo.Input(
                    "preset",
                    options=CHOICES,
                    default="Both, tag first (recommend)",
                    tooltip="A ready template (NL is the caption), or custom for the one below.",
                ),
                io.String.Input(
                    "template",
                    default=DEFAULT_TEMPLATE,
                    multiline=True,
                    tooltip="Used with custom only. <|user|> is your text, <|added|> the new tags, "
                    "<|extended|> your caption and its continuation, <|generated|> a caption that "
                    "the model wrote alone; also <|special|> <|characters|> <|copyrights|> "
                    "<|artist|> <|general|> <|meta|> <|quality|> <|rating|> <|head|>.",
                ),
            ],
            outputs=[
                io.String.Output(
                    "prompt",
                    display_name="prompt",
                    tooltip="The prompt; parts that are empty leave no commas behind.",
                )
            ],
        )

    @classmethod
    def execute(cls, expansion: Expansion, preset: str, template: str) -> io.NodeOutput:
        from ...tipo_core.prompt import Template

        prompt = Template.parse(template_of(preset, template)).render(expansion.fields)
        return io.NodeOutput(prompt, ui=ui.PreviewText(prompt))


NODES = [TipoFormat]
