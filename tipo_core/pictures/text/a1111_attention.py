"""Reads the weights of a prompt as the A1111 web UI does, which ComfyUI reads otherwise.

- `(a)` multiplies by 1.1, `(a:1.3)` by 1.3, `[a]` divides by 1.1, and nested brackets multiply:
  `((a:1.3))` is 1.43 and `(a (b:1.2):1.3)` gives b 1.56.
- A bracket that is never closed applies to the rest of the prompt.
- `\\(` is a literal bracket; any other backslash is dropped.
- BREAK outside of brackets begins a new chunk. Inside it is a word with a negative weight.

The rules are those of `parse_prompt_attention` in `modules/prompt_parser.py`, version 1.10.
"""

from __future__ import annotations

import math
import re
from itertools import groupby
from typing import NamedTuple

ROUND, SQUARE = 1.1, 1 / 1.1
BREAK = "BREAK"
_TOKEN = re.compile(
    r"\\[()\[\]\\]?|[()\[\]]|:\s*(?P<weight>[+-]?[.\d]+)\s*\)|[^\\()\[\]:]+|:", re.DOTALL
)
_BREAK = re.compile(r"\s*\bBREAK\b\s*")
# A segment's weight is multiplied from the innermost bracket outwards, as in A1111, so that equal
# weights are equal to the bit. Beyond this depth the product of the outer brackets is used, so that
# a million open brackets take linear time.
_EXACT_DEPTH = 32


class Segment(NamedTuple):
    """A text that is tokenized at once, and its weight."""

    text: str
    weight: float

    @property
    def is_break(self) -> bool:
        """Whether a new chunk begins here."""
        return self.text == BREAK and self.weight == -1


class _Brackets:
    """The brackets of one prompt; bracket 0 stands for none."""

    def __init__(self) -> None:
        self.outer = [0]  # the next bracket of the same kind outwards
        self.factors = [1.0]
        self.closed = [math.inf]  # when it was closed
        self._closings = 0
        self._products = [1.0]

    def open(self, outer: int) -> int:
        self.outer.append(outer)
        self.factors.append(1.0)
        self.closed.append(math.inf)
        return len(self.outer) - 1

    def close(self, bracket: int, factor: float) -> int:
        """Give a bracket its factor; return the next one outwards."""
        self._closings += 1
        self.factors[bracket] = factor
        self.closed[bracket] = self._closings
        return self.outer[bracket]

    def multiply_out(self) -> None:
        """Compute the product of each bracket and those around it, after the last `close`."""
        self._products = [1.0]
        for outer, factor in zip(self.outer[1:], self.factors[1:], strict=True):
            self._products.append(self._products[outer] * factor)

    def weight(self, round_bracket: int, square_bracket: int) -> float:
        """Return the weight between the two innermost brackets, in the order of their closing."""
        weight = 1.0
        for _ in range(_EXACT_DEPTH):
            if not round_bracket and not square_bracket:
                return weight
            if self.closed[round_bracket] < self.closed[square_bracket]:
                weight *= self.factors[round_bracket]
                round_bracket = self.outer[round_bracket]
            else:
                weight *= self.factors[square_bracket]
                square_bracket = self.outer[square_bracket]
        return weight * self._products[round_bracket] * self._products[square_bracket]


class Attention(NamedTuple):
    """The segments of a prompt, and what is words in it though it looks like syntax.

    `unpaired` are closing brackets, with a weight perhaps, that have no opening bracket or no valid
    number. `broken` are texts with a BREAK inside brackets.
    """

    segments: list[Segment]
    unpaired: list[str]
    broken: list[str]


def read_attention(text: str, *, has_breaks: bool = True) -> Attention:
    """Return the segments of a prompt with their weights; at least one, perhaps an empty one.

    Neighbours of equal weight are one segment. Without `has_breaks` BREAK is a word. A number that
    A1111 refuses with an error, as in `(a:1.2.3)`, is text, and the bracket counts 1.1.
    """
    brackets = _Brackets()
    unpaired: list[str] = []
    innermost = {ROUND: 0, SQUARE: 0}
    pieces: list[tuple[str, int, int, float]] = []

    def add(piece: str, sign: float = 1.0) -> None:
        pieces.append((piece, innermost[ROUND], innermost[SQUARE], sign))

    def add_words(words: str) -> None:
        first, *others = _BREAK.split(words) if has_breaks else [words]
        add(first)
        for part in others:
            add(BREAK, -1.0)
            add(part)

    for found in _TOKEN.finditer(text):
        token, weight = found[0], found["weight"]
        kind = ROUND if token[-1] in "()" else SQUARE
        if token[0] == "\\":
            add(token[1:])
        elif token in ("(", "["):
            innermost[kind] = brackets.open(innermost[kind])
        elif weight is not None and innermost[ROUND]:
            factor = _number(weight)
            if factor is None:
                unpaired.append(token)
                add_words(token[:-1])
                factor = ROUND
            innermost[ROUND] = brackets.close(innermost[ROUND], factor)
        elif token in (")", "]") and innermost[kind]:
            innermost[kind] = brackets.close(innermost[kind], kind)
        else:
            if weight is not None or token in (")", "]"):
                unpaired.append(token)
            add_words(token)
    for kind in (ROUND, SQUARE):
        while innermost[kind]:
            innermost[kind] = brackets.close(innermost[kind], kind)
    brackets.multiply_out()
    segments = _merged(pieces, brackets)
    broken = [s.text for s in segments if s.weight < 0 and BREAK in s.text and not s.is_break]
    return Attention(segments, unpaired, broken if has_breaks else [])


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _merged(pieces: list[tuple[str, int, int, float]], brackets: _Brackets) -> list[Segment]:
    weighted = []
    last, weight = (0, 0), 1.0
    for text, *inner, sign in pieces:
        place = (inner[0], inner[1])
        if place != last:
            last, weight = place, brackets.weight(*place)
        weighted.append((text, sign * weight))
    runs = groupby(weighted, key=lambda piece: piece[1])
    return [Segment("".join(text for text, _ in run), weight) for weight, run in runs] or [
        Segment("", 1.0)
    ]
