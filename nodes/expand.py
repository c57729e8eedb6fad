"""TIPO Expand: a simple prompt becomes detailed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ..tipo_core.expansion.tasks import Length
from ..tipo_core.lm.sampling import SamplingOptions
from ..tipo_core.prompt.presets import DEFAULT
from .host import NANO, progress
from .load_model import TipoModel

if TYPE_CHECKING:
    from ..tipo_core.expansion.request import Expansion

TipoExpansion = io.Custom("TIPO_EXPANSION")

NO_EXPANSION = "none"
LENGTHS = [NO_EXPANSION, *(length.value for length in Length)]


def length_of(choice: str) -> Length | None:
    """Return the length class of a menu entry; 'none' leaves that part as it is."""
    if choice not in LENGTHS:
        raise ValueError(f"length {choice!r} is unknown: choose {', '.join(LENGTHS)}")
    return None if choice == NO_EXPANSION else Length(choice)


def shown_text(expansion: Expansion, of: int) -> str:
    """Return what the node shows of one variant: the prompt, and what fell short of the request."""
    notes = [
        f"({step.step.grows.value}: {step.count} of {step.step.length.value} after "
        f"{step.rounds} rounds, {step.reason})"
        for step in expansion.passes
        if not step.reached
    ]
    notes += [f"(banned by {entry!r}: {count})" for entry, count in expansion.banned.items()]
    head = [f"#{expansion.variant + 1}"] if of > 1 else []
    return "\n".join([*head, expansion.prompt, *notes])


def ui_of(expansions: list[Expansion]) -> dict[str, Any]:
    """Return what the node shows and what a client reads from the history."""
    return {
        "text": ["\n\n".join(shown_text(expansion, len(expansions)) for expansion in expansions)],
        "tipo": [
            {
                "prompt": expansion.prompt,
                "tags": expansion.tags,
                "caption": expansion.caption,
                "added": expansion.added,
                "added_tags": list(expansion.added_tags),
                "added_caption": expansion.added_caption,
                "seed": expansion.seed,
                "variant": expansion.variant,
                "seconds": round(expansion.seconds, 3),
            }
            for expansion in expansions
        ],
    }


class TipoExpand(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TipoExpand",
            display_name="TIPO Expand",
            category="TIPO",
            description="Expands a short prompt with a TIPO language model: more tags, a caption, "
            "or both. What you typed is kept as it is; the additions come behind it. Each variant "
            "is one entry of the outputs, and the rest of the graph runs once for each.",
            # Shows its text also where nothing is drawn from it, and again after a page reload.
            is_output_node=True,
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
                    max=64,
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
                    "<|copyrights|> <|artist|> <|general|> <|meta|> <|quality|> <|rating|>.",
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
    ) -> io.NodeOutput:
        # Imported on the first run: the text floors cost more than the rest of the pack.
        from ..tipo_core.expansion.expand import expand
        from ..tipo_core.expansion.request import ExpansionRequest

        request = ExpansionRequest(
            tags=tags,
            caption=caption,
            tag_length=length_of(tag_length),
            caption_length=length_of(caption_length),
            bans=bans,
            template=template,
            seed=seed,
            variants=variants,
            safe=model.name == NANO,
        )
        options = SamplingOptions(temperature=temperature, top_p=top_p, min_p=min_p, top_k=top_k)
        expansions = expand(model.ready(options), request, progress())
        return io.NodeOutput(
            [expansion.prompt for expansion in expansions],
            [expansion.tags for expansion in expansions],
            [expansion.caption for expansion in expansions],
            [expansion.added for expansion in expansions],
            expansions,
            ui=ui_of(expansions),
        )


NODES = [TipoExpand]
