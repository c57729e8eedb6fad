"""Divides a prompt's tokens into chunks of CLIP as the A1111 web UI does.

A chunk holds 75 tokens of text. If a word does not fit and a comma lies at most 20 tokens back, the
chunk ends after that comma and the tokens behind it move to the next chunk. An embedding is not
split. BREAK ends a chunk, also an empty one. The rules are those of `tokenize_line` in
`modules/sd_hijack_clip.py`, with one difference: an embedding that moves with the tokens after a
comma stays an embedding, while A1111 leaves its vectors in the chunk before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

# A1111's setting comma_padding_backtrack, with its default.
COMMA_BACKTRACK = 20

Entry = tuple[Any, float, int]  # token or vector, weight, word id


class Run(NamedTuple):
    """Tokens of one weight, or the vectors of one embedding."""

    tokens: Sequence[Any]
    weight: float
    is_embedding: bool = False


def chunked(runs: Iterable[Run | None], length: int, comma: int | None) -> list[list[Entry]]:
    """Divide runs into chunks of at most `length` entries; None is a BREAK.

    Each run has a word id of its own, counted from 1. `comma` is the token of a comma. There is at
    least one chunk, perhaps an empty one.
    """
    builder = _Chunks(length, comma)
    for word, run in enumerate(runs, 1):
        if run is None:
            builder.end_chunk()
        elif run.is_embedding:
            builder.add_embedding([(vector, run.weight, word) for vector in run.tokens])
        else:
            for token in run.tokens:
                builder.add_token((token, run.weight, word))
    if builder.chunk or not builder.ended:
        builder.end_chunk()
    return builder.ended


class _Chunks:
    def __init__(self, length: int, comma: int | None) -> None:
        self.length = length
        self.comma = comma
        self.ended: list[list[Entry]] = []
        self.chunk: list[Entry] = []
        self._after_comma: int | None = None  # entries of the chunk up to its last comma

    def end_chunk(self, moved: Sequence[Entry] = ()) -> None:
        """End the chunk and begin another one with `moved`."""
        self.ended.append(self.chunk)
        self.chunk = list(moved)
        self._after_comma = None

    def add_token(self, entry: Entry) -> None:
        is_comma = entry[0] == self.comma
        if is_comma and len(self.chunk) < self.length:
            self._after_comma = len(self.chunk) + 1
        self._make_room(may_move=not is_comma)
        self.chunk.append(entry)

    def add_embedding(self, entries: list[Entry]) -> None:
        if not entries:
            return
        self._make_room(may_move=True)
        if len(self.chunk) + len(entries) > self.length and self.chunk:
            self.end_chunk()
        while len(entries) > self.length:
            # A1111 fails for an embedding longer than a chunk.
            self.chunk, entries = entries[: self.length], entries[self.length :]
            self.end_chunk()
        self.chunk += entries

    def _make_room(self, may_move: bool) -> None:
        """End a full chunk, after its last comma if that is near."""
        if len(self.chunk) < self.length:
            return
        border = self._after_comma
        if may_move and border is not None and len(self.chunk) - border < COMMA_BACKTRACK:
            moved = self.chunk[border:]
            del self.chunk[border:]
            self.end_chunk(moved)
        else:
            self.end_chunk()
