"""The report of an encoded prompt: chunks and their borders, times, weights, notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .prompt_schedule import Clause

_MAX_QUOTE = 60  # characters
_MAX_RANGES = 4


@dataclass(frozen=True)
class Chunk:
    """One chunk of an encoder: the number of its text tokens, its first and its last words."""

    tokens: int
    begins: str = ""
    ends: str = ""


@dataclass(frozen=True)
class EncoderChunks:
    """The chunks of one prompt in one encoder."""

    encoder: str
    chunks: tuple[Chunk, ...]

    def lines(self) -> list[str]:
        """Report the number of tokens, and the words on both sides of each border."""
        count = "1 chunk" if len(self.chunks) == 1 else f"{len(self.chunks)} chunks"
        tokens = " + ".join(str(chunk.tokens) for chunk in self.chunks)
        lines = [f"{self.encoder}: {count}, tokens of text {tokens}"]
        for number, (left, right) in enumerate(pairwise(self.chunks), 2):
            lines.append(f'  chunk {number} begins: "{left.ends} | {right.begins}"')
        return lines


@dataclass(frozen=True)
class EncodedClause:
    """A clause, its chunks in each encoder, and notes on text that was left out."""

    clause: Clause
    encoders: tuple[EncoderChunks, ...]
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Report each encoder and note; encoders with equal chunks share their lines."""
        lines: list[str] = []
        names_by_chunks: dict[tuple[Chunk, ...], list[str]] = {}
        for encoder in self.encoders:
            names_by_chunks.setdefault(encoder.chunks, []).append(encoder.encoder)
        for chunks, names in names_by_chunks.items():
            lines += EncoderChunks(", ".join(names), chunks).lines()
        return [*lines, *self.notes]


def clause_lines(encoded: Sequence[EncodedClause]) -> list[str]:
    """Report the encoded clauses; several are shown with their times, weight and text."""
    if len(encoded) == 1 and encoded[0].clause.is_always:
        return encoded[0].lines()
    lines = []
    for one in encoded:
        clause = one.clause
        times = ", ".join(f"{start:.4g} to {end:.4g}" for start, end in clause.ranges[:_MAX_RANGES])
        if len(clause.ranges) > _MAX_RANGES:
            times += f", ... ({len(clause.ranges)} times)"
        weight = f", weight {clause.weight:g}" if clause.weight != 1 else ""
        lines.append(f'{times}{weight}: "{_shortened(clause.texts[0])}"')
        lines += [f"  {line}" for line in one.lines()]
    return lines


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MAX_QUOTE else f"{text[: _MAX_QUOTE - 4]} ..."
