"""The report of an encoded prompt: layers, chunks and their borders, times, what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .clip_skip import TextEncoder, skip_applies
from .prompt_schedule import Clause

_LONGEST_QUOTE = 60


@dataclass(frozen=True)
class Chunk:
    """What an encoder reads at once: its tokens of text, and the words at both ends."""

    tokens: int
    begins: str = ""
    ends: str = ""


@dataclass(frozen=True)
class EncoderChunks:
    """The chunks of one prompt in one encoder."""

    encoder: str
    chunks: tuple[Chunk, ...]

    def lines(self) -> list[str]:
        """Return the number of tokens, and the words on both sides of each border."""
        count = "1 chunk" if len(self.chunks) == 1 else f"{len(self.chunks)} chunks"
        tokens = " + ".join(str(chunk.tokens) for chunk in self.chunks)
        lines = [f"{self.encoder}: {count}, tokens of text {tokens}"]
        for number, (left, right) in enumerate(pairwise(self.chunks), 2):
            lines.append(f'  chunk {number} begins: "{left.ends} | {right.begins}"')
        return lines


@dataclass(frozen=True)
class EncodedClause:
    """A clause with what each encoder read of it and notes on what was left out."""

    clause: Clause
    encoders: tuple[EncoderChunks, ...]
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return a line for each encoder and note; encoders that read the same share theirs."""
        lines: list[str] = []
        by_chunks: dict[tuple[Chunk, ...], list[str]] = {}
        for encoder in self.encoders:
            by_chunks.setdefault(encoder.chunks, []).append(encoder.encoder)
        for chunks, names in by_chunks.items():
            lines += EncoderChunks(", ".join(names), chunks).lines()
        return [*lines, *self.notes]


def layer_text(encoder: TextEncoder) -> str:
    """Return where the encoder is read, in words: "clip_l: layer 11 of 12"."""
    if encoder.layer is None:
        return f"{encoder.name}: final output, all {encoder.depth} layers"
    return f"{encoder.name}: layer {encoder.depth + encoder.layer + 1} of {encoder.depth}"


def skip_lines(clip_skip: int, encoders: Sequence[TextEncoder]) -> list[str]:
    """Return the skip and the layer of each encoder."""
    if clip_skip and not skip_applies(encoders):
        others = ", ".join(encoder.name for encoder in encoders if not encoder.is_clip)
        why = f"the model also reads text with {others}" if others else "no CLIP encoder found"
        first = f"clip_skip {clip_skip} does not apply ({why}); the model's default is used"
    elif clip_skip:
        first = f"clip_skip {abs(clip_skip)}"
    else:
        first = "clip_skip 0: as the model came"
    return [first, *map(layer_text, encoders)]


def clause_lines(encoded: Sequence[EncodedClause]) -> list[str]:
    """Return what was encoded; with its text, times and weight where there are several."""
    if len(encoded) == 1 and encoded[0].clause.is_always:
        return encoded[0].lines()
    lines = []
    for one in encoded:
        clause = one.clause
        times = ", ".join(f"{start:.4g} to {end:.4g}" for start, end in clause.ranges[:4])
        if len(clause.ranges) > 4:
            times += f", ... ({len(clause.ranges)} times)"
        weight = f", weight {clause.weight:g}" if clause.weight != 1 else ""
        lines.append(f'{times}{weight}: "{_quoted(clause.texts[0])}"')
        lines += [f"  {line}" for line in one.lines()]
    return lines


def _quoted(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 4]} ..."
