"""TIPO Format: an expansion rendered with another template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io, ui

from ...tipo_core.prompt.presets import DEFAULT_TEMPLATE, PRESETS
from ..host_features import schema
from ..inputs import ExpansionType, check_choice, text_box, text_output
from ..memory import read_text

if TYPE_CHECKING:
    from ...tipo_core.expansion.request import Expansion

CUSTOM = "custom"
CHOICES = [CUSTOM, *PRESETS]
WHOLE = "whole"
YOURS = "yours"
PARTS = [WHOLE, YOURS]


def template_of(preset: str, template: str) -> str:
    """Return the template of a menu entry; 'custom' is the user's own."""
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
            description="Renders an expansion with a preset or with your own template. The model "
            "does not run again.",
            inputs=[
                ExpansionType.Input("expansion", tooltip="From TIPO Expand."),
                io.Combo.Input(
                    "preset",
                    options=CHOICES,
                    default="Both, tag first (recommend)",
                    tooltip="A ready template (NL is the caption), or custom for the one below.",
                ),
                text_box(
                    "template",
                    "Used with custom only. <|user|> is your text. The new tags are <|added|>: "
                    "they follow your tags as <|added_to_tags|>, or your caption, if you typed "
                    "one, as <|added_to_caption|>. <|extended|> is your caption and its "
                    "continuation (<|caption|>, <|continued|>), <|generated|> a caption of the "
                    "model alone; also <|special|> <|characters|> <|copyrights|> <|artist|> "
                    "<|general|> (<|typed_general|>, <|added_general|>) <|meta|> <|quality|> "
                    "<|rating|> <|head|>.",
                    default=DEFAULT_TEMPLATE,
                ),
                io.Combo.Input(
                    "part",
                    options=PARTS,
                    default=WHOLE,
                    optional=True,
                    tooltip="whole: your text and the additions. yours: your text alone in the "
                    "same template, to compare the pictures with and without the additions.",
                ),
            ],
            outputs=[
                text_output("prompt", "prompt", "The prompt; empty parts leave no extra commas.")
            ],
        )

    @classmethod
    def execute(
        cls, expansion: Expansion, preset: str, template: str, part: str = WHOLE
    ) -> io.NodeOutput:
        from ...tipo_core.expansion.user_text import typed_fields
        from ...tipo_core.prompt import Template

        text = template_of(preset, template)
        check_choice("part", part, PARTS)

        def render() -> str:
            fields = expansion.fields if part == WHOLE else typed_fields(expansion.fields)
            return Template.parse(text).render(fields)

        prompt = read_text(render, text, *expansion.fields.values())
        return io.NodeOutput(prompt, ui=ui.PreviewText(prompt))


NODES = [TipoFormat]
