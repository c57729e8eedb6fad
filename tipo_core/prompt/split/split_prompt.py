"""Splits a mixed prompt into its tags and its captions.

The prompt is cut into units: its segments, and these again at sentence ends (`prompt_units`). Each
unit has features of its words and of its place (`unit_features`), and the best labelling of the
whole row of units is chosen (`viterbi_labels`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...surrogates import refuse_surrogates
from ..sentences import ends_sentence
from ..syntax.parse import parse
from ..vocabulary.tags import is_known_name
from .prompt_units import Side, cut_into_units
from .viterbi_labels import label_units

# A tag of letters that ends with a stop: ``standing.``, not ``mr.`` or ``u.s.``
_STOPPED_TAG = re.compile(r"(?:\A|[^.])\b[^\W\d_]{4,}\.\Z")
_MARKS = frozenset(",;:-\u2014\uff0c\u3001\uff1b\uff1a")
_LATIN = "\u2e80"  # the first sign of Chinese and Japanese scripts


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
    side are joined by ``", "``, captions by a blank, after the end of a sentence, or else a stop or
    a comma, the rest by line breaks. The stop that ends the last tag before a caption is a
    separator: ``standing. She smiles.``
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
    sides = label_units(units)
    parts: list[Part] = []
    position = 0
    for number, (unit, side) in enumerate(zip(units, sides, strict=True)):
        if unit.start > position:
            parts.append(Part(text[position : unit.start], Side.SEPARATOR, position))
        end = unit.end
        ends_tags = side is Side.TAGS and sides[number + 1 : number + 2] == [Side.CAPTION]
        if ends_tags and _STOPPED_TAG.search(unit.plain) and not is_known_name(unit.plain):
            end = unit.start + len(text[unit.start : unit.end].removesuffix("."))
        parts.append(Part(text[unit.start : end], side, unit.start))
        position = end
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
    between = "\n" if side is Side.REST else ", "
    output: list[str] = []
    separator = None  # the user's own; None once a part of another side has come between
    for part in parts:
        if part.side is side:
            if output:
                if separator is None:
                    is_caption = side is Side.CAPTION
                    separator = _seam(output[-1], part.text) if is_caption else between
                output.append(separator)
            output.append(part.text)
            separator = ""
        elif part.side is Side.SEPARATOR:
            separator = None if separator is None else separator + part.text
        else:
            separator = None
    return "".join(output)


def _seam(before: str, after: str) -> str:
    """Return the text between two pieces of a caption that tags had come between."""
    if ends_sentence(before) or before[-1:] in _MARKS:
        return " "
    is_wide = before[-1:] > _LATIN
    if after[:1].isupper() or after[:1] > _LATIN:
        return "\u3002" if is_wide else ". "
    return "\uff0c" if is_wide else ", "
