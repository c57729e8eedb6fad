"""The text of a variant while it is written, for a host that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from ...lm.generate.completion import Completion, Generation, Result
from ..policy import TagPolicy
from ..stream_filter import StreamFilter
from ..tasks import Field


class Draft:
    """The additions to one variant so far, and the piece that is being written.

    `typed` are the user's tags and caption. The piece may still be refused: it then disappears.
    The texts are made when they are read, so that a draft that nobody reads costs next to nothing.
    """

    def __init__(self, typed: tuple[str, str]) -> None:
        self.typed = typed
        self._pieces: dict[Field, list[str]] = {Field.TAG: [], Field.LONG: []}
        self._written_field, self._written = Field.TAG, ""

    @property
    def tags(self) -> str:
        """The added tags, separated by commas; the last one may be incomplete."""
        return ", ".join(self._all_pieces(Field.TAG))

    @property
    def caption(self) -> str:
        """The added sentences; the last one may be incomplete."""
        return " ".join(self._all_pieces(Field.LONG))

    def _all_pieces(self, field: Field) -> list[str]:
        written = self._written.strip() if field is self._written_field else ""
        return [*self._pieces[field], written] if written else self._pieces[field]

    def accept(self, field: Field, piece: str) -> None:
        """Add an accepted tag or sentence."""
        self._pieces[field].append(piece.strip())
        self._written = ""

    def write(self, field: Field, fragment: str) -> None:
        """Replace the piece that is being written."""
        self._written_field, self._written = field, fragment

    def settle(self, tags: Iterable[str], sentences: str) -> None:
        """Take the additions that a pass ended with."""
        self._pieces = {Field.TAG: list(tags), Field.LONG: [sentences.strip()]}
        self._pieces[Field.LONG] = list(filter(None, self._pieces[Field.LONG]))
        self._written = ""


def watched(
    generation: Generation[Result], policy: TagPolicy, draft: Draft, show: Callable[[], None]
) -> Generation[Result]:
    """Run a generation like itself; keep `draft` up to date and call `show` after each token.

    Only the texts that `policy` judges are part of the draft: the others are not of the result.
    """
    policy.on_accept = draft.accept
    completion: Completion | None = None
    while True:
        try:
            request = next(generation) if completion is None else generation.send(completion)
        except StopIteration as done:
            result: Result = done.value
            return result
        stream = request.should_stop
        if isinstance(stream, StreamFilter) and stream.policy is policy:
            request = replace(request, should_stop=_watched_filter(stream, draft, show))
        completion = yield request


def _watched_filter(
    stream: StreamFilter, draft: Draft, show: Callable[[], None]
) -> Callable[[str], bool]:
    """Return the filter, which also writes the unjudged end of the completion into the draft."""

    def should_stop(text: str) -> bool:
        must_stop = stream(text)
        draft.write(stream.field, "" if must_stop else stream.unjudged(text))
        show()
        return must_stop

    return should_stop
