"""Requests, results, and the protocol of a language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Protocol

from ..lm.generate.completion import Generation, Result, StopReason
from ..prompt.choices import resolve_choices
from ..prompt.origins import TextSpan
from ..prompt.presets import DEFAULT_TEMPLATE
from ..prompt.translation.translate import Translation
from ..surrogates import refuse_surrogates, require_text, shortened
from .tasks import MAX_ROUNDS, MAX_VARIANTS, Length, Pass, TranslationMode


class LanguageModel(Protocol):
    """The part of a language model that an expansion needs: texts in, texts out."""

    def run(self, generations: Sequence[Generation[Result]]) -> list[Result]:
        """Return the result of each generation; a completion does not depend on the others."""
        ...


def check_types(request: object, names: Mapping[str, Sequence[str]]) -> None:
    """Raise TypeError if a value of `request`, listed by its type, or its `meta` has another type.

    A length may be None. Raises ValueError for a text with a lone surrogate.
    """
    types: dict[str, type | tuple[type, ...]] = {
        "int": int,
        "bool": bool,
        "bool or None": (bool, type(None)),
        "Length": (Length, type(None)),
        "TranslationMode": TranslationMode,
    }
    for kind, fields_of_kind in names.items():
        for name in fields_of_kind:
            value = getattr(request, name)
            if kind == "str":
                require_text(name, value)
            elif not isinstance(value, types[kind]):
                raise TypeError(f"{name} is {shortened(value)}: give {_TYPE_NAMES[kind]}")
            if isinstance(value, str):
                refuse_surrogates(name, value)
    meta: object = getattr(request, "meta", None)
    if not isinstance(meta, Mapping) or not all(isinstance(v, str) for v in meta.values()):
        raise TypeError(
            f"meta is {shortened(meta)}: give a mapping of texts such as {{'rating': 'safe'}}"
        )
    for key, text in meta.items():
        refuse_surrogates(f"meta {key!r}", text)


_TYPE_NAMES = MappingProxyType(
    {
        "int": "an int",
        "bool": "True or False",
        "bool or None": "True, False or None",
        "Length": "a Length such as Length.SHORT, or None",
        "TranslationMode": "a TranslationMode such as TranslationMode.ADD_TAGS",
    }
)


@dataclass(frozen=True)
class ExpansionRequest:
    """A simple prompt and the wanted lengths of the expanded one.

    `tags` and `caption` are the user's texts, verbatim. A length of None leaves that part as it
    is. A length is an upper bound: the model may end a part earlier. With `at_least` it is a lower
    bound as well: the model must continue, and the result is expanded again, up to `rounds` times
    in all, until both lengths are reached. `bans` and `template` are in the languages of
    `prompt.bans` and `prompt.template`. With `gen_meta` the model proposes the metadata that `meta`
    does not give. `escape_names` escapes the parentheses of known names. `safe` adds no tag or
    sentence with a word of the block list. `resolve_choices` replaces each ``{a|b}`` in `tags` and
    `caption` by one of its options, for each variant anew; the seed decides. With `pair_prior` tags
    that go together in pictures are proposed and preferred, and the list ends where the evidence
    does; None leaves it to the model (`LanguageModel.uses_pair_prior`).
    `translation` says what becomes of the tags of Chinese, Japanese, Korean and Russian words.

    ValueError for `variants` or `rounds` out of range, TypeError for a value of another type.
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
    resolve_choices: bool = False
    at_least: bool = False
    pair_prior: bool | None = None
    translation: TranslationMode = TranslationMode.ADD_TAGS

    def __post_init__(self) -> None:
        check_types(
            self,
            {
                "str": ("tags", "caption", "bans", "template"),
                "int": ("seed", "variants", "rounds"),
                "bool": ("gen_meta", "escape_names", "safe", "resolve_choices", "at_least"),
                "bool or None": ("pair_prior",),
                "Length": ("tag_length", "caption_length"),
                "TranslationMode": ("translation",),
            },
        )
        if not 1 <= self.variants <= MAX_VARIANTS:
            raise ValueError(f"variants is {self.variants}: choose 1 to {MAX_VARIANTS}")
        if not 1 <= self.rounds <= MAX_ROUNDS:
            raise ValueError(f"rounds is {self.rounds}: choose 1 to {MAX_ROUNDS}")

    def with_choices(self, variant: int) -> ExpansionRequest:
        """Return the request of one variant, with its choices resolved if that is requested."""
        if not self.resolve_choices:
            return self
        return replace(
            self,
            tags=resolve_choices(self.tags, self.seed, variant, "tags"),
            caption=resolve_choices(self.caption, self.seed, variant, "caption"),
        )


@dataclass(frozen=True)
class FieldResult:
    """The additions to one field: `added` as text, `pieces` as single tags or sentences.

    `count` is the number of tags or sentences that the field has now, given ones included;
    `reached` says whether it is in the wanted range. `answers` is the number of
    completions, `prompt_tokens` the length of the longest prompt, `new_tokens` the number of
    tokens written. `rejected` counts the refused tags or sentences by their reason: an entry of
    the bans, `block list`, `repeated`, `contradicts`, `prose`, `not asked for`, `no person here` or
    `for the other sex`.
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
    """One pass of a round (counted from 0) and its result."""

    step: Pass
    round: int
    result: FieldResult


@dataclass(frozen=True)
class Expansion:
    """One variant of the expanded prompt.

    `prompt` is the filled template. `tags` and `caption` begin with the user's own text. `added`
    is all added text: the tags of foreign words, then the model's, which are also `added_tags` and
    `added_caption`. `fields` has a value for every field of a template. `proposed` is the
    model's metadata with `gen_meta`, which is not part of the prompt. `banned` counts rejections
    by the entry of the bans. `attempts` is the number of draws of this variant; `repeats` is the
    number of an earlier variant with the same text, or None. `was_cancelled` says that the run
    ended early. `translation` has the foreign words of the user's text. `seconds` is the time from
    the variant's start to its end; variants that run side by side count the same time. `spans` are
    the parts of `prompt` with their origins; a result from elsewhere may have none. `was_pinned`
    says that the result was stored and is used again, without a run of a model.
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
    translation: Translation = field(default_factory=Translation)
    spans: tuple[TextSpan, ...] = ()
    was_pinned: bool = False
