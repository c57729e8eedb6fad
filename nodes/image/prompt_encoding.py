"""A prompt encoded by core's text encoders, with clip skip, weights, schedules and a report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import comfy.clip_model
import comfy.sd1_clip
import comfy.sdxl_clip

from ...tipo_core.pictures.text.clip_skip import TextEncoder, layer_for_skip, skip_lines
from ...tipo_core.pictures.text.encode_report import EncodedClause, EncoderChunks, clause_lines
from ...tipo_core.pictures.text.prompt_schedule import Clause, PromptSchedule
from ...tipo_core.pictures.text.schedule_times import FRACTIONS, OF_STEPS
from ...tipo_core.pictures.text.token_weights import A1111, COMFY
from ...tipo_core.pictures.text.unread_forms import comment_lines, unread_forms
from ...tipo_core.pictures.text.unread_syntax import square_bracket_note
from ...tipo_core.prompt.syntax.comments import without_comments
from ...tipo_core.report_lines import warning, warnings_of
from ..inputs import check_choice
from ..memory import check_interrupt, read_text
from .encoding.clip_tokens import (
    clip_encoders,
    in_batches,
    left_out,
    read_chunks,
    vector_widths,
    weighted,
    weights_note,
)
from .encoding.long_prompts import has_many_chunks, is_long, with_piecewise_tokenizers
from .encoding.prompt_tokens import CLIP_KEYS, PromptTokenizer, PromptTokens
from .other_samplers import other_samplers_lines
from .prompt_steps import timed
from .sdxl_size import SdxlSize

# Whose rules read weights, escapes and embeddings, and end chunks. Auto is A1111's with its
# interpretation.
AUTO, A1111_SYNTAX = "auto", "A1111"
SYNTAXES = (AUTO, "ComfyUI", A1111_SYNTAX)


@dataclass(frozen=True)
class Texts:
    """The prompt of all encoders, and other prompts of some encoders where not empty."""

    text: str
    text_g: str = ""
    text_t5: str = ""

    @property
    def by_encoder(self) -> tuple[str, str, str]:
        """The text of CLIP-L, of CLIP-G and of the encoders that are not CLIP."""
        return self.text, self.text_g or self.text, self.text_t5 or self.text


@dataclass(frozen=True)
class Settings:
    """How a prompt is encoded; the names are those of the node's inputs."""

    clip_skip: int = 0
    weight_interpretation: str = COMFY
    token_normalization: str = "none"
    prompt_syntax: bool = True
    schedule_steps: int = 20
    schedule_fractions: str = OF_STEPS
    syntax: str = AUTO

    def __post_init__(self) -> None:
        if self.syntax not in SYNTAXES:
            raise ValueError(f"syntax {self.syntax!r}: choose {', '.join(SYNTAXES)}")

    @property
    def has_cores_weights(self) -> bool:
        """Whether core's own encoder gives the requested weights."""
        return self.weight_interpretation == COMFY and self.token_normalization == "none"


def text_encoders(clip: Any) -> list[TextEncoder]:
    """Return the text encoders of a CLIP value, each with the layer it is read at now."""
    encoders = []
    for path, module in clip.cond_stage_model.named_modules():
        if not isinstance(module, comfy.sd1_clip.SDClipModel):
            continue
        kind, default_layer = module.options_default[:2]
        layer = default_layer if kind == "hidden" else None
        # As SDClipModel.set_clip_options: a layer beyond the encoder's depth is its last layer.
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


def encode(
    clip: Any, texts: Texts, settings: Settings, size: SdxlSize | None = None
) -> tuple[list[Any], str]:
    """Return the conditioning of a prompt and the report; `clip` is not changed.

    Without scheduled syntax, and with core's weights, the conditioning equals core's own to the
    bit, for prompts of up to 32 chunks. A cancel is heard while a long text is read, and between
    the batches of its chunks. Raises ValueError for an empty `clip`, an invalid schedule, or
    settings that the encoders do not support.
    """
    if clip is None:
        raise ValueError(
            "The clip input is empty: the checkpoint holds no text encoder. Load one with a "
            "CLIP loader node, or choose a checkpoint that includes it."
        )
    check_choice("syntax", settings.syntax, SYNTAXES)
    check_choice("schedule_fractions", settings.schedule_fractions, FRACTIONS)
    typed = texts.by_encoder
    if settings.prompt_syntax:
        given = tuple(vars(texts).values())
        texts = Texts(*read_text(lambda: [*map(without_comments, given)], *given))
    encoders = text_encoders(clip)
    layer = layer_for_skip(settings.clip_skip, encoders)
    if layer is not None:
        clip = clip.clone()
        clip.clip_layer(layer)
        encoders = [replace(encoder, layer=layer) for encoder in encoders]
    if any(map(is_long, texts.by_encoder)):
        clip = with_piecewise_tokenizers(clip)
    can_be_batches = bool(clip_encoders(clip.cond_stage_model))
    is_weighted = not settings.has_cores_weights and can_be_batches
    encoder = clip
    if is_weighted:
        how = settings.weight_interpretation, settings.token_normalization
        encoder = weighted(clip, *how)

    extras = {} if size is None else vars(size)
    conditioning: list[Any] = []
    encoded = []
    is_a1111 = settings.syntax == A1111_SYNTAX or (
        settings.syntax == AUTO and is_weighted and settings.weight_interpretation == A1111
    )
    schedule = PromptSchedule(
        texts.by_encoder, settings.schedule_steps, settings.schedule_fractions, is_a1111
    )
    has_syntax = settings.prompt_syntax
    tokenizer = PromptTokenizer(clip, vector_widths(clip), is_a1111=is_a1111, has_breaks=has_syntax)
    clauses: tuple[Clause, ...] = (Clause(schedule.texts),)
    if has_syntax:
        clauses = read_text(schedule.clauses, *schedule.texts)
    is_scheduled = has_syntax and schedule.changes
    for clause in clauses:
        check_interrupt()
        tokens, of_encoder, chunks = read_text(
            partial(_tokens, clip, tokenizer, clause, is_weighted), *clause.texts
        )
        is_in_batches = can_be_batches and not is_weighted and has_many_chunks(tokens.of_clip)
        conds = (in_batches(clip) if is_in_batches else encoder).encode_from_tokens_scheduled(
            of_encoder, add_dict=extras
        )
        conditioning += timed(conds, clause, schedule, is_scheduled=is_scheduled)
        notes = [*left_out(clip, tokens), *tokens.notes]
        notes += encoder.cond_stage_model.notes if is_weighted else []
        lines = (*weights_note(clip, tokens), *warnings_of(notes))
        encoded.append(EncodedClause(clause, chunks, lines))

    def report() -> str:
        lines = skip_lines(settings.clip_skip, encoders)
        lines += _weight_lines(settings, is_weighted)
        lines += _syntax_lines(texts, tokens, is_a1111)
        lines += _unused_lines(clip, texts, size, tokens)
        if has_syntax:
            lines += [*comment_lines(typed), *warnings_of(schedule.notes())]
        lines += warnings_of(unread_forms(texts.by_encoder, is_clip=bool(tokens.of_clip)))
        lines += clause_lines(encoded, schedule.steps if schedule.has_steps else None)
        found = [one.clause for one in encoded]
        return "\n".join(lines + other_samplers_lines(found, schedule))

    return conditioning, read_text(report, *typed)


def _tokens(
    clip: Any, tokenizer: PromptTokenizer, clause: Clause, is_weighted: bool
) -> tuple[PromptTokens, Any, tuple[EncoderChunks, ...]]:
    """Return the tokens of a clause, those in the encoder's form, and the chunks for the report."""
    tokens = tokenizer.tokens(*clause.texts)
    of_encoder = tokens.of_clip if is_weighted else tokens.for_core
    return tokens, of_encoder, tuple(read_chunks(clip, tokens))


def _weight_lines(settings: Settings, is_weighted: bool) -> list[str]:
    if settings.has_cores_weights:
        return []
    chosen = (
        f"weight_interpretation {settings.weight_interpretation}, "
        f"token_normalization {settings.token_normalization}"
    )
    if is_weighted:
        return [chosen]
    return [
        warning(
            f"{chosen} do not apply, because the model does not read CLIP's output alone: "
            "comfy and none are used"
        )
    ]


def _syntax_lines(texts: Texts, tokens: PromptTokens, is_a1111: bool) -> list[str]:
    """Report whose syntax applies, if not ComfyUI's alone."""
    if not is_a1111:
        found = texts.by_encoder[:2] if tokens.of_clip else ()
        notes = dict.fromkeys(square_bracket_note(text) for text in found)
        return warnings_of(note for note in notes if note)
    others = ", ".join(key for key in tokens.others if key not in CLIP_KEYS)
    if not tokens.of_clip:
        return [warning("syntax A1111 does not apply: the model has no CLIP")]
    return [f"syntax A1111{f'; {others}: ComfyUI' if others else ''}"]


def _unused_lines(
    clip: Any, texts: Texts, size: SdxlSize | None, tokens: PromptTokens
) -> list[str]:
    """Return a note per input that has no effect on this model."""
    lines = []
    if texts.text_g and "g" not in tokens.of_clip:
        lines.append(warning("text_g does not apply: the model has no CLIP-G"))
    if texts.text_t5 and not tokens.others:
        lines.append(
            warning("text_t5 does not apply: the model has no other text encoder than CLIP")
        )
    is_sdxl = isinstance(clip.cond_stage_model, comfy.sdxl_clip.SDXLClipModel)
    if size is not None and is_sdxl:
        lines.append(
            f"size {size.width} x {size.height}, crop at {size.crop_w}, {size.crop_h}, "
            f"target {size.target_width} x {size.target_height}"
        )
    elif size is not None:
        lines.append(warning("size does not apply: only SDXL takes sizes"))
    return lines
