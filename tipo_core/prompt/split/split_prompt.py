"""Splits a mixed prompt into its tags and its captions.

The prompt is cut into units: its segments, and these again at sentence ends (`prompt_units`). Each
unit has features of its words and of its place (`unit_features`), and the best labelling of the
whole row of units is chosen (`viterbi_labels`).
"""

from __future__ import annotations

from dataclasses import dataclass

from ...surrogates import refuse_surrogates
from ..syntax.parse import parse
from .prompt_units import Side, cut_into_units
from .viterbi_labels import label_units


@dataclass(frozen=True)
class Part:
    """A verbatim piece of the prompt and its side."""

    text: str
    side: Side
    start: int

    @property
    def end(self) -> int:
        """Offset after the last character."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class SplitPrompt:
    """A prompt split by side. The texts of `parts` joined are the prompt.

    `networks` are LoRAs, other angle tags and embeddings that stand alone; `rest` are BREAK, AND,
    comments and lone wildcards. Neighbours of one side keep the user's separator; other parts of a
    side are joined by ``", "``, captions by a blank, the rest by line breaks.
    """

    tags: str
    caption: str
    networks: str
    rest: str
    parts: tuple[Part, ...]


def split_prompt(text: str) -> SplitPrompt:
    """Split a prompt into tags, caption, networks and the rest.

    Raises ValueError for a lone surrogate, and if the file of the weights is missing or damaged.
    """
    refuse_surrogates("text", text)
    units = cut_into_units(parse(text))
    parts: list[Part] = []
    position = 0
    for unit, side in zip(units, label_units(units), strict=True):
        if unit.start > position:
            parts.append(Part(text[position : unit.start], Side.SEPARATOR, position))
        parts.append(Part(text[unit.start : unit.end], side, unit.start))
        position = unit.end
    if position < len(text):
        parts.append(Part(text[position:], Side.SEPARATOR, position))
    return SplitPrompt(
        tags=_join_side(parts, Side.TAGS),
        caption=_join_side(parts, Side.CAPTION),
        networks=_join_side(parts, Side.NETWORKS),
        rest=_join_side(parts, Side.REST),
        parts=tuple(parts),
    )


def _join_side(parts: list[Part], side: Side) -> str:
    between = " " if side is Side.CAPTION else "\n" if side is Side.REST else ", "
    output: list[str] = []
    separator = None  # the user's own; None once a part of another side has come between
    for part in parts:
        if part.side is side:
            if output:
                output.append(between if separator is None else separator)
            output.append(part.text)
            separator = ""
        elif part.side is Side.SEPARATOR:
            separator = None if separator is None else separator + part.text
        else:
            separator = None
    return "".join(output)
