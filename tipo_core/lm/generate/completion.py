"""Completion requests, completions, and coroutines that need several completions.

A `Generation` is a generator: it yields a `CompletionRequest`, receives the `Completion`, and
returns its result. So one model can run many of them side by side, and none knows of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

Result = TypeVar("Result")


class Cancelled(Exception):
    """Raised by a progress callback to end the run; the caller receives the text so far.

    Any other exception of a callback reaches the caller, who receives no text.
    """


class StopReason(str, Enum):
    """Why a completion ended, or the field that it belongs to.

    `REDRAW_LIMIT` is a field's reason alone: no completion has it.
    """

    END_TOKEN = "end token"
    TARGET = "target reached"
    TOKEN_LIMIT = "token limit"
    CONTEXT_LIMIT = "context limit"
    REDRAW_LIMIT = "redraw limit"
    CANCELLED = "cancelled"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class TagBias:
    """Makes whole tags of a completion likelier or less likely.

    `vocabulary` are tags in plain words with their shares of all pictures, above 0. `nats` is
    called where a tag begins, after `should_stop` has seen the text before it. It returns the nats
    that are added to the logarithm of each tag's probability; -inf is never. A tag outside the
    vocabulary gets none.
    """

    vocabulary: Mapping[str, float]
    nats: Callable[[], Iterable[float]]


@dataclass(frozen=True)
class CompletionRequest:
    """A prompt and the conditions for its completion.

    `should_stop` receives the completion so far after each token and ends it by returning True.
    `on_token` receives the number of new tokens so far. `check` may raise while a long prompt is
    tokenized. Before `min_new_tokens` the model draws neither an end token nor a line break. The
    first new token is none of `banned_first_ids`; with `begins_word` it continues no word, so that
    ``candlelight,`` is not followed by ``ly``. With a `tag_bias` the completion begins at the start
    of a tag.
    Equal requests get equal completions.
    """

    prompt: str
    seed: int
    should_stop: Callable[[str], bool] | None = None
    min_new_tokens: int = 0
    on_token: Callable[[int], None] | None = None
    banned_first_ids: frozenset[int] = frozenset()
    check: Callable[[], None] | None = None
    begins_word: bool = False
    tag_bias: TagBias | None = None


@dataclass(frozen=True)
class Completion:
    """The text that a model added to a prompt, and the reason why it stopped.

    `first_token` is the id of the first new token, None if there is no new token.
    """

    text: str
    reason: StopReason
    prompt_tokens: int
    new_tokens: int
    first_token: int | None = None


Generation = Generator[CompletionRequest, Completion, Result]
"""A coroutine: it sends each request after the completion of the one before, returns a result."""


def one_completion(request: CompletionRequest) -> Generation[Completion]:
    """Return a generation of a single completion, which is its result."""
    return (yield request)
