"""What is asked of a language model, and how work that asks more than once is written.

`Steps` is a generator: it yields what it needs completed, is sent each completion, and returns its
result. So a model can work on many of them side by side, and none has to know of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from .stop_reason import StopReason

Result = TypeVar("Result")


class Cancelled(Exception):
    """Raised by a progress callback to end all that is running with what there is by then.

    Any other exception of a callback goes through to the caller, and nothing is returned.
    """


@dataclass(frozen=True)
class Ask:
    """One completion that is needed.

    `enough` is called with the text so far and ends it by returning True; `on_token` is called
    with the number of tokens so far. No end token and no end of a line is drawn before
    `min_new_tokens`, and none of the ids `not_first` as the first token. The same seed gives the
    same text.
    """

    prompt: str
    seed: int
    enough: Callable[[str], bool] | None = None
    min_new_tokens: int = 0
    on_token: Callable[[int], None] | None = None
    not_first: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Completion:
    """What a model added to a prompt; `reason` says why it stopped there.

    `first_token` is the id that `text` begins with, None where there is none.
    """

    text: str
    reason: StopReason
    prompt_tokens: int
    new_tokens: int
    first_token: int | None = None


Steps = Generator[Ask, Completion, Result]
"""Asks one by one, each behind the answer to the one before; returns a result."""


def one_step(ask: Ask) -> Steps[Completion]:
    """The steps of a single completion, which is their result."""
    return (yield ask)
