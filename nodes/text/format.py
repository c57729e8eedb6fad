"""TIPO Format: an expansion rendered with another template, or as a model family's prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io, ui

from ...tipo_core.prompt.presets import DEFAULT_TEMPLATE, PRESETS
from ..host_features import schema
from ..inputs import (
    ExpansionType,
    check_choice,
    linked_text,
    report_output,
    text_box,
    text_output,
)
from ..memory import read_text
from .model_family import (
    NO_FAMILY,
    chosen_family,
    families_fingerprint,
    family_choices,
    graph_model,
    token_counts,
)

if TYPE_CHECKING:
    from ...tipo_core.expansion.request import Expansion

CUSTOM = "custom"
CHOICES = [CUSTOM, *PRESETS]
PROSE_TAGS = ("woven in", "left out")
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
            search_aliases=[
                *("prompt template", "natural language", "tags first", "quality tags"),
                *("score_9", "pony", "illustrious", "flux prompt"),
            ],
            is_text_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
            description="Renders an expansion with a preset, with your own template, or as the "
            "prompt that a family of models wants. The model does not run again.",
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
                    "family",
                    options=family_choices(),
                    default=NO_FAMILY,
                    optional=True,
                    tooltip="The models that read the prompt. A family replaces preset: it sets "
                    "the order, quality words, the negative prompt and the spelling. auto guesses "
                    "from model or clip and says so in the report. Your own families are files in "
                    "models/tipo_families.",
                ),
                io.Model.Input(
                    "model", optional=True, tooltip="Shows the family to auto; it is not run."
                ),
                io.Clip.Input(
                    "clip",
                    optional=True,
                    tooltip="Shows the family to auto if model is not connected, and counts the "
                    "tokens.",
                ),
                linked_text(
                    "negative",
                    "Your negative prompt. The family's follows it, without tags that the prompt "
                    "has.",
                ),
                io.Combo.Input(
                    "prose_tags",
                    options=list(PROSE_TAGS),
                    default=PROSE_TAGS[0],
                    optional=True,
                    tooltip="For families that read sentences: woven in puts the tags after the "
                    "caption, left out keeps only LoRAs, embeddings and wildcards of them.",
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
                text_output("prompt", "prompt", "The prompt; empty parts leave no extra commas."),
                text_output(
                    "negative_prompt", "negative", "Your negative prompt and the family's."
                ),
                text_output("clip_text", "CLIP text", "The family's text for CLIP-L and CLIP-G."),
                text_output("t5_text", "T5 text", "The family's text for T5 and language models."),
                report_output(
                    "The family and how it was known, the words added, the text changed, and the "
                    "tokens of each encoder."
                ),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, **values: Any) -> object:
        return families_fingerprint(values.get("family", NO_FAMILY))

    @classmethod
    def execute(
        cls,
        expansion: Expansion,
        preset: str,
        template: str,
        family: str = NO_FAMILY,
        model: Any = None,
        clip: Any = None,
        negative: str = "",
        prose_tags: str = PROSE_TAGS[0],
        part: str = WHOLE,
    ) -> io.NodeOutput:
        from ...tipo_core.expansion.user_text import typed_fields
        from ...tipo_core.prompt import Template
        from ...tipo_core.prompt.families.family_prompt import family_prompt, token_notes

        check_choice("part", part, PARTS)
        found, lines = chosen_family(family, lambda: graph_model(cls.hidden, model, clip))
        texts = [negative, *expansion.fields.values()]

        def fields() -> Mapping[str, str]:
            return expansion.fields if part == WHOLE else typed_fields(expansion.fields)

        if found is None:
            text = template_of(preset, template)
            prompt = read_text(lambda: Template.parse(text).render(fields()), text, *texts)
            report = "\n".join(lines)
            shown = f"{prompt}\n\n{report}" if report else prompt
            return io.NodeOutput(
                *(prompt, negative, prompt, prompt, report), ui=ui.PreviewText(shown)
            )
        made = read_text(lambda: family_prompt(found, fields(), negative, prose_tags), *texts)
        counts = token_counts(found, clip, made.clip_text, made.t5_text)
        report = "\n".join([*lines, *made.notes, *token_notes(found, counts)])
        return io.NodeOutput(
            *(made.prompt, made.negative, made.clip_text, made.t5_text, report),
            ui=ui.PreviewText(f"{made.prompt}\n\n{report}"),
        )


NODES = [TipoFormat]
