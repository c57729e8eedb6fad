"""TIPO Expand: detailed prompts from a short one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ...tipo_core.expansion.tasks import MAX_ROUNDS, MAX_VARIANTS, Length, TranslationMode
from ...tipo_core.lm.generate.sampling_options import SamplingOptions
from ...tipo_core.lm.hub.catalog import NANO
from ...tipo_core.prompt.presets import DEFAULT_TEMPLATE
from ..host_features import schema
from ..inputs import (
    AUTO_PRIOR,
    ExpansionType,
    at_least_input,
    bans_input,
    escape_names_input,
    metadata_inputs,
    model_input,
    options_input,
    pair_prior_input,
    pair_prior_of,
    pinned_input,
    resolve_choices_input,
    text_box,
    text_output,
    text_seed_input,
    token_sampling_inputs,
    translation_input,
)
from ..memory import progress, read_text
from ..prompt_server import prompt_server
from .bans import joined_rules
from .pinned_prompts import pinned_json
from .result_stream import draft_sender
from .saved_result import save_result
from .shown_text import expansion_text, metadata_text

if TYPE_CHECKING:
    from ...tipo_core.expansion.request import Expansion

NO_EXPANSION = "none"
LENGTHS = [NO_EXPANSION, *(length.value for length in Length)]


def length_of(choice: str) -> Length | None:
    """Return the length class of a menu entry, or None for 'none', which expands nothing."""
    if choice not in LENGTHS:
        raise ValueError(f"length {choice!r} is unknown: choose {', '.join(LENGTHS)}")
    return None if choice == NO_EXPANSION else Length(choice)


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
                "resolve_choices",
                "at_least",
                "pair_prior",
                "translation",
            ],
            essentials_category="Image Generation",
            is_text_node=True,
            description="Expands a short prompt with a TIPO language model: more tags, a caption, "
            "or both. Your text is kept as typed and the additions follow it. Each variant is one "
            "entry of the outputs, and the nodes that follow run once for each.",
            inputs=[
                model_input(is_lazy=True),
                text_box(
                    "tags",
                    "Your tags, separated by commas. Weights, LoRAs, embeddings and wildcards are "
                    "kept as typed. May be empty.",
                ),
                text_box(
                    "caption",
                    "Your description in sentences; the model continues it. May be empty.",
                ),
                io.Combo.Input(
                    "tag_length",
                    options=LENGTHS,
                    default=Length.LONG.value,
                    tooltip="Largest number of tags in the result: very_short 18, short 36, long "
                    "48, very_long 72; none = add no tags. See at_least.",
                ),
                io.Combo.Input(
                    "caption_length",
                    options=LENGTHS,
                    default=Length.LONG.value,
                    tooltip="Largest number of sentences in the caption: very_short 2, short 4, "
                    "long 8, very_long 18; none = write no caption. See at_least.",
                ),
                text_seed_input(),
                io.Int.Input(
                    "variants",
                    default=1,
                    min=1,
                    max=MAX_VARIANTS,
                    tooltip="Number of different expansions. The nodes that follow run once for "
                    "each of them.",
                ),
                *token_sampling_inputs(temperature_max=2.0, top_k_max=1000),
                text_box(
                    "bans",
                    "Tags that are never added, separated by commas or line breaks: a tag, *hat, "
                    "/regular expression/, @category. Your own tags are never removed.",
                ),
                text_box(
                    "template",
                    "Order of the parts in the prompt. <|user|> is your text. The new tags are "
                    "<|added|>: they follow your tags as <|added_to_tags|>, or your caption, if "
                    "you typed one, as <|added_to_caption|>. <|extended|> is your caption and its "
                    "continuation (<|caption|>, <|continued|>), <|generated|> a caption of the "
                    "model alone; also <|special|> <|characters|> <|copyrights|> <|artist|> "
                    "<|general|> (<|typed_general|>, <|added_general|>) <|meta|> <|quality|> "
                    "<|rating|> <|head|>.",
                    default=DEFAULT_TEMPLATE,
                ),
                options_input("replaces temperature, top_p, min_p and top_k of this node."),
                bans_input("; applies in addition to the bans of this node."),
                *metadata_inputs(
                    " It is not part of the prompt.",
                    " The node shows it and returns it as proposed; the prompt does not contain "
                    "it.",
                ),
                io.Int.Input(
                    "rounds",
                    default=1,
                    min=1,
                    max=MAX_ROUNDS,
                    optional=True,
                    tooltip="With at_least: how many times the result may be expanded while the "
                    "tags or the caption are shorter than requested.",
                ),
                escape_names_input(),
                resolve_choices_input(),
                at_least_input(),
                pair_prior_input(),
                translation_input(),
                pinned_input(),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.extra_pnginfo],
            outputs=[
                text_output(
                    "prompt", "prompt", "The whole prompt, as the template orders it.", is_list=True
                ),
                text_output("all_tags", "tags", "Your tags and the new tags.", is_list=True),
                text_output(
                    "whole_caption",
                    "caption",
                    "Your caption and the new sentences.",
                    is_list=True,
                ),
                text_output("added", "added", "Only the added text.", is_list=True),
                ExpansionType.Output(
                    "expansion",
                    display_name="expansion",
                    is_output_list=True,
                    tooltip="The expansion with all its parts, for other TIPO nodes.",
                ),
                text_output(
                    "proposed",
                    "proposed",
                    "Metadata that the model proposed with gen_meta, one 'key: value' per line.",
                    is_list=True,
                ),
            ],
        )

    @classmethod
    def check_lazy_status(cls, pinned: str = "", model: Any = None, **others: Any) -> list[str]:
        return [] if model is not None or pinned_json(pinned) else ["model"]

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
        resolve_choices: bool = False,
        at_least: bool = False,
        pair_prior: str = AUTO_PRIOR,
        translation: str = TranslationMode.ADD_TAGS.value,
        pinned: str = "",
    ) -> io.NodeOutput:
        # Imported on the first run: these take longer than the rest of the pack.
        from ...tipo_core.expansion.expand import expand
        from ...tipo_core.expansion.format import parse_meta
        from ...tipo_core.expansion.json_form import expansion_json, translation_named
        from ...tipo_core.expansion.request import ExpansionRequest
        from ...tipo_core.expansion.shown.pinned import pinned_expansions

        stored = pinned_json(pinned)
        if stored:
            expansions = read_text(lambda: pinned_expansions(stored), stored)
            return shown_output(expansions, [expansion_json(one) for one in expansions])
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
            resolve_choices=resolve_choices,
            at_least=at_least,
            pair_prior=pair_prior_of(pair_prior),
            translation=translation_named(translation),
        )
        options = options or SamplingOptions(temperature, top_p, min_p, top_k)
        ready = model.ready(options, variants)
        expansions = expand(ready, request, progress(), draft_sender(cls, prompt_server()))
        results = [expansion_json(expansion) for expansion in expansions]
        save_result(cls, results)
        return shown_output(expansions, results)


def shown_output(expansions: list[Expansion], results: list[dict[str, Any]]) -> io.NodeOutput:
    """Return the outputs of the node; it shows the texts and sends the results as JSON."""
    return io.NodeOutput(
        [expansion.prompt for expansion in expansions],
        [expansion.tags for expansion in expansions],
        [expansion.caption for expansion in expansions],
        [expansion.added for expansion in expansions],
        expansions,
        [metadata_text(expansion.proposed) for expansion in expansions],
        ui={
            "text": ["\n\n".join(expansion_text(one, len(expansions)) for one in expansions)],
            "tipo": results,
        },
    )


NODES = [TipoExpand]
