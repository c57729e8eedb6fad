"""TIPO Expand: a simple prompt becomes detailed ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ...tipo_core.expansion.tasks import MAX_ROUNDS, MAX_VARIANTS, Field, Length, Span
from ...tipo_core.lm.generate.token_sampling import SamplingOptions
from ...tipo_core.prompt.presets import DEFAULT
from ..host_features import schema
from ..memory import NANO, progress
from ..models import TipoModel
from .bans import BansType, joined_rules
from .options import OptionsType

if TYPE_CHECKING:
    from ...tipo_core.expansion.request import Expansion, FieldResult

TipoExpansion = io.Custom("TIPO_EXPANSION")

NO_EXPANSION = "none"
LENGTHS = [NO_EXPANSION, *(length.value for length in Length)]


def length_of(choice: str) -> Length | None:
    """Return the length class of a menu entry; 'none' leaves that part as it is."""
    if choice not in LENGTHS:
        raise ValueError(f"length {choice!r} is unknown: choose {', '.join(LENGTHS)}")
    return None if choice == NO_EXPANSION else Length(choice)


def meta_lines(meta: Mapping[str, str]) -> str:
    """Return metadata as lines `key: value`, the form in which the nodes take it."""
    return "\n".join(f"{key}: {value}" for key, value in meta.items())


def short_of(name: str, span: Span, result: FieldResult) -> list[str]:
    """Return the note that a field has fewer tags or sentences than asked for, or nothing."""
    if result.reached:
        return []
    count = f"{result.count} of {span.least}-{span.most}"
    return [f"({name}: {count}, {result.reason}, answers: {result.answers})"]


def ban_notes(banned: Mapping[str, int]) -> list[str]:
    """Return a note for each entry of the bans that kept something out."""
    return [f"(banned by {entry!r}: {count})" for entry, count in banned.items()]


def proposal(meta: Mapping[str, str]) -> list[str]:
    """Return the metadata that the model proposed, as it is shown."""
    return ["", "proposed metadata:", meta_lines(meta)] if meta else []


def shown_text(expansion: Expansion, of: int) -> str:
    """Return what the node shows of one variant: the prompt, and what fell short of the request."""
    last_passes = {report.step.grows: report for report in expansion.passes}
    notes = []
    for field, report in last_passes.items():
        is_tags, length = field is Field.TAG, report.step.length
        span = length.tags if is_tags else length.sentences
        notes += short_of("tags" if is_tags else "caption", span, report.result)
    notes += ban_notes(expansion.banned)
    if expansion.repeats is not None:
        notes.append(f"(equal to #{expansion.repeats + 1}, draws: {expansion.attempts})")
    head = [f"#{expansion.variant + 1}"] if of > 1 else []
    return "\n".join([*head, expansion.prompt, *notes, *proposal(expansion.proposed)])


class TipoExpand(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoExpand",
            display_name="TIPO Expand",
            category="TIPO",
            search_aliases=[
                "prompt enhance",
                "prompt upsample",
                "expand prompt",
                "prompt generator",
                "llm",
                "magic prompt",
            ],
            advanced=[
                "temperature",
                "top_p",
                "min_p",
                "top_k",
                "bans",
                "template",
                "options",
                "ban_rules",
                "metadata",
                "gen_meta",
                "rounds",
                "escape_names",
            ],
            essentials_category="Image Generation",
            is_text_node=True,
            description="Expands a short prompt with a TIPO language model: more tags, a caption, "
            "or both. What you typed is kept as it is; the additions come behind it. Each variant "
            "is one entry of the outputs, and the rest of the graph runs once for each.",
            inputs=[
                TipoModel.Input("model", tooltip="Language model from Load TIPO Model."),
                io.String.Input(
                    "tags",
                    default="",
                    multiline=True,
                    tooltip="Your tags, with commas between them. Weights, LoRAs, embeddings and "
                    "wildcards stay as they are. May be empty.",
                ),
                io.String.Input(
                    "caption",
                    default="",
                    multiline=True,
                    tooltip="Your description in sentences; it is continued. May be empty.",
                ),
                io.Combo.Input(
                    "tag_length",
                    options=LENGTHS,
                    default=Length.LONG.value,
                    tooltip="How many tags the result has: very_short 6-18, short 18-36, long "
                    "36-48, very_long 48-72, none = add no tags.",
                ),
                io.Combo.Input(
                    "caption_length",
                    options=LENGTHS,
                    default=Length.LONG.value,
                    tooltip="How many sentences the caption has: very_short 1-2, short 2-4, long "
                    "4-8, very_long 8-18, none = write no caption.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=True,
                    tooltip="The same inputs and seed give the same text; 0 is a seed like any "
                    "other.",
                ),
                io.Int.Input(
                    "variants",
                    default=1,
                    min=1,
                    max=MAX_VARIANTS,
                    tooltip="How many different expansions to write. Each one makes the nodes "
                    "behind run once.",
                ),
                io.Float.Input(
                    "temperature",
                    default=0.5,
                    min=0.0,
                    max=2.0,
                    step=0.01,
                    tooltip="Higher is more surprising; 0 always takes the likeliest word.",
                ),
                io.Float.Input(
                    "top_p",
                    default=0.95,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Draw only from the likeliest words that make up this share; 1 = all.",
                ),
                io.Float.Input(
                    "min_p",
                    default=0.05,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Leave out words less likely than this share of the likeliest; 0 = "
                    "none.",
                ),
                io.Int.Input(
                    "top_k",
                    default=80,
                    min=0,
                    max=1000,
                    tooltip="Draw only from this many of the likeliest words; 0 = all.",
                ),
                io.String.Input(
                    "bans",
                    default="",
                    multiline=True,
                    tooltip="What is never added, one entry a line or comma: a tag, *hat, "
                    "/regular expression/, @category. Your own tags are never removed.",
                ),
                io.String.Input(
                    "template",
                    default=DEFAULT,
                    multiline=True,
                    tooltip="How the prompt is put together. <|user|> is your text, <|added|> the "
                    "new tags, <|extended|> the caption; also <|special|> <|characters|> "
                    "<|copyrights|> <|artist|> <|general|> <|meta|> <|quality|> <|rating|> "
                    "<|generated|> <|head|>.",
                ),
                OptionsType.Input(
                    "options",
                    optional=True,
                    tooltip="From TIPO Sampling Options; takes the place of temperature, top_p, "
                    "min_p and top_k here.",
                ),
                BansType.Input(
                    "ban_rules",
                    optional=True,
                    tooltip="From TIPO Ban Rules; counts beside the bans here.",
                ),
                io.String.Input(
                    "metadata",
                    default="",
                    multiline=True,
                    optional=True,
                    tooltip="What the model is told about the picture, a line 'key: value' each: "
                    "rating, artist, characters, copyrights, quality, meta, aspect ratio. It is "
                    "not part of the prompt.",
                ),
                io.Boolean.Input(
                    "gen_meta",
                    default=False,
                    optional=True,
                    tooltip="Let the model propose the metadata that is not given. It is shown and "
                    "comes out as proposed; the prompt stays without it.",
                ),
                io.Int.Input(
                    "rounds",
                    default=1,
                    min=1,
                    max=MAX_ROUNDS,
                    optional=True,
                    tooltip="How often the result may be expanded again while tags or caption are "
                    "short of their length.",
                ),
                io.Boolean.Input(
                    "escape_names",
                    default=True,
                    optional=True,
                    tooltip="Write hatsune miku (append) with \\( and \\), because ComfyUI would "
                    "read the parentheses of a name as a weight. Off: your text to the letter.",
                ),
            ],
            outputs=[
                io.String.Output(
                    "prompt",
                    display_name="prompt",
                    is_output_list=True,
                    tooltip="The whole prompt, put together by the template.",
                ),
                io.String.Output(
                    "all_tags",
                    display_name="tags",
                    is_output_list=True,
                    tooltip="Your tags and the new ones.",
                ),
                io.String.Output(
                    "whole_caption",
                    display_name="caption",
                    is_output_list=True,
                    tooltip="Your caption and the new sentences.",
                ),
                io.String.Output(
                    "added",
                    display_name="added",
                    is_output_list=True,
                    tooltip="Only what was added.",
                ),
                TipoExpansion.Output(
                    "expansion",
                    display_name="expansion",
                    is_output_list=True,
                    tooltip="The expansion with all its parts, for other TIPO nodes.",
                ),
                io.String.Output(
                    "proposed",
                    display_name="proposed",
                    is_output_list=True,
                    tooltip="Metadata that the model proposed with gen_meta, a line 'key: value' "
                    "each.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        tags: str,
        caption: str,
        tag_length: str,
        caption_length: str,
        seed: int,
        variants: int,
        temperature: float,
        top_p: float,
        min_p: float,
        top_k: int,
        bans: str,
        template: str,
        options: SamplingOptions | None = None,
        ban_rules: str | None = None,
        metadata: str = "",
        gen_meta: bool = False,
        rounds: int = 1,
        escape_names: bool = True,
    ) -> io.NodeOutput:
        # Imported on the first run: the text floors cost more than the rest of the pack.
        from ...tipo_core.expansion.expand import expand
        from ...tipo_core.expansion.format import parse_meta
        from ...tipo_core.expansion.json_form import expansion_json
        from ...tipo_core.expansion.request import ExpansionRequest

        request = ExpansionRequest(
            tags=tags,
            caption=caption,
            tag_length=length_of(tag_length),
            caption_length=length_of(caption_length),
            meta=parse_meta(metadata),
            bans=joined_rules(ban_rules, bans),
            template=template,
            seed=seed,
            variants=variants,
            gen_meta=gen_meta,
            rounds=rounds,
            escape_names=escape_names,
            safe=model.name == NANO,
        )
        options = options or SamplingOptions(temperature, top_p, min_p, top_k)
        expansions = expand(model.ready(options, variants), request, progress())
        return io.NodeOutput(
            [expansion.prompt for expansion in expansions],
            [expansion.tags for expansion in expansions],
            [expansion.caption for expansion in expansions],
            [expansion.added for expansion in expansions],
            expansions,
            [meta_lines(expansion.proposed) for expansion in expansions],
            ui={
                "text": ["\n\n".join(shown_text(one, len(expansions)) for one in expansions)],
                "tipo": [expansion_json(expansion) for expansion in expansions],
            },
        )


NODES = [TipoExpand]
