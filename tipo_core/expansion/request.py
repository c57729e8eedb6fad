"""What goes into an expansion, and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ..prompt.presets import DEFAULT
from .tasks import Length, Pass

MAX_VARIANTS = 64


class Completion(Protocol):
    """What a language model added to a prompt; `reason` says why it stopped there."""

    @property
    def text(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def prompt_tokens(self) -> int: ...
    @property
    def new_tokens(self) -> int: ...


class LanguageModel(Protocol):
    """All that an expansion knows of a model: texts in, texts out."""

    def complete(
        self,
        prompt: str,
        *,
        seed: int,
        on_token: Callable[[int], None] | None = None,
        enough: Callable[[str], bool] | None = None,
        min_new_tokens: int = 0,
    ) -> Completion:
        """Return what follows `prompt`. The same seed gives the same text.

        `on_token` hears the number of tokens so far and may raise to cancel; `enough` sees the
        text so far and ends it by returning True.
        """
        ...


@dataclass(frozen=True)
class ExpansionRequest:
    """A simple prompt and what it is to become.

    `tags` and `caption` are the user's texts, verbatim. A length of None leaves that part as it
    is. `bans` and `template` are in the languages of `prompt.bans` and `prompt.template`. With
    `safe` no tag or sentence with a word of the block list is added.
    """

    tags: str = ""
    caption: str = ""
    tag_length: Length | None = Length.LONG
    caption_length: Length | None = Length.LONG
    meta: Mapping[str, str] = field(default_factory=dict)
    bans: str = ""
    template: str = DEFAULT
    seed: int = 0
    variants: int = 1
    safe: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.variants <= MAX_VARIANTS:
            raise ValueError(f"variants is {self.variants}: choose 1 to {MAX_VARIANTS}")


@dataclass(frozen=True)
class PassReport:
    """How one pass went: how many tags or sentences there are now, and why the model stopped."""

    step: Pass
    rounds: int
    count: int
    reached: bool
    reason: str
    prompt_tokens: int
    new_tokens: int


@dataclass(frozen=True)
class Expansion:
    """One variant of the expanded prompt.

    `prompt` is the filled template; `tags` and `caption` begin with the user's own text; `added`
    is what the model wrote, `fields` every field that a template can name. `banned` counts the
    rejections by the entry that caused them.
    """

    prompt: str
    tags: str
    caption: str
    added: str
    added_tags: tuple[str, ...]
    added_caption: str
    fields: Mapping[str, str]
    banned: Mapping[str, int]
    passes: tuple[PassReport, ...]
    seed: int
    variant: int
    seconds: float
