"""What goes into an expansion, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..lm.generate.completion import Result, Steps
from ..lm.generate.stop_reason import StopReason
from ..prompt.presets import DEFAULT_TEMPLATE
from .tasks import MAX_ROUNDS, MAX_VARIANTS, Length, Pass


class LanguageModel(Protocol):
    """All that an expansion knows of a model: texts in, texts out."""

    def answer(self, steps: Sequence[Steps[Result]]) -> list[Result]:
        """Run `steps` to their results; what one is answered does not depend on the others."""
        ...


@dataclass(frozen=True)
class ExpansionRequest:
    """A simple prompt and what it is to become.

    `tags` and `caption` are the user's texts, verbatim. A length of None leaves that part as it
    is. `bans` and `template` are in the languages of `prompt.bans` and `prompt.template`. With
    `gen_meta` the model proposes the metadata that was not given. The expansion is applied to its
    own result up to `rounds` times, until both lengths are reached. With `escape_names` the
    parentheses of a known name come out escaped. With `safe` no tag or sentence with a word of the
    block list is added.
    """

    tags: str = ""
    caption: str = ""
    tag_length: Length | None = Length.LONG
    caption_length: Length | None = Length.LONG
    meta: Mapping[str, str] = field(default_factory=dict)
    bans: str = ""
    template: str = DEFAULT_TEMPLATE
    seed: int = 0
    variants: int = 1
    gen_meta: bool = False
    rounds: int = 1
    escape_names: bool = True
    safe: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.variants <= MAX_VARIANTS:
            raise ValueError(f"variants is {self.variants}: choose 1 to {MAX_VARIANTS}")
        if not 1 <= self.rounds <= MAX_ROUNDS:
            raise ValueError(f"rounds is {self.rounds}: choose 1 to {MAX_ROUNDS}")


@dataclass(frozen=True)
class Grown:
    """What a field has become: `added` is the text behind the given one, `pieces` what is in it.

    `count` is how many tags or sentences there are now, `answers` how often the model was asked,
    `prompt_tokens` the length of the longest prompt, `new_tokens` all that was written. `rejected`
    is how often a tag or sentence was refused, by the reason: an entry of the bans,
    `block list`, `repeated` or `contradicts`.
    """

    added: str
    pieces: tuple[str, ...]
    count: int
    reached: bool
    reason: StopReason
    answers: int
    prompt_tokens: int
    new_tokens: int
    rejected: Mapping[str, int]


@dataclass(frozen=True)
class PassReport:
    """How one pass of a round (from 0) went."""

    step: Pass
    round: int
    grown: Grown


@dataclass(frozen=True)
class Expansion:
    """One variant of the expanded prompt.

    `prompt` is the filled template; `tags` and `caption` begin with the user's own text; `added`
    is what the model wrote, `fields` every field that a template can name. `proposed` is the
    metadata that the model wrote with `gen_meta`, never part of the prompt by itself. `banned`
    counts the rejections by the entry that caused them. `attempts` says how often the variant was
    drawn; `repeats` is the number of an earlier variant that it equals all the same, or None.
    `was_cancelled` says that it was ended before its time.
    """

    prompt: str
    tags: str
    caption: str
    added: str
    added_tags: tuple[str, ...]
    added_caption: str
    fields: Mapping[str, str]
    proposed: Mapping[str, str]
    banned: Mapping[str, int]
    passes: tuple[PassReport, ...]
    seed: int
    variant: int
    attempts: int
    repeats: int | None
    was_cancelled: bool
    seconds: float
