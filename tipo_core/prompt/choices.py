r"""Resolves choices, ``{a|b}``, as the text boxes of ComfyUI's page do, but by a seed.

The rules are those of the page (`processDynamicPrompt` of its front end 1.58):

- ``{a|b|c}`` becomes one of its options, ``{a}`` becomes ``a``; options may hold choices;
- a choice without ``}`` ends with the text; ``}`` and ``|`` outside of a choice are characters;
- ``\{``, ``\}`` and ``\|`` are the characters themselves, without the backslash;
- the comments ``/* */`` and ``//`` are removed first. Unlike there, ``//`` within a word, as in
  ``http://``, is no comment.
"""

from __future__ import annotations

import hashlib
import re
from typing import TypeAlias

from .syntax.comments import without_c_comments

_SIGN = re.compile(r"(\\.|[{}|])", re.DOTALL)
_ESCAPED = re.compile(r"\\([{}|])")
# Texts and resolved choices, which are such lists again.
_Pieces: TypeAlias = "list[str | _Pieces]"


def resolve_choices(text: str, seed: int, *place: int | str) -> str:
    """Return the text with one option of each choice, in linear time.

    The option depends on `seed`, `place` and the number of the choice in the text, and on nothing
    else: equal inputs give equal texts on every machine.
    """
    if not _SIGN.search(text) and "/" not in text:
        return text
    pieces: _Pieces = []
    # For each open choice: the pieces around it, its options and its number.
    opened: list[tuple[_Pieces, list[_Pieces], int]] = []
    number = 0
    path = "/".join(str(part) for part in (seed, *place))
    for piece in _SIGN.split(without_c_comments(text)):
        if piece == "{":
            options: list[_Pieces] = [[]]
            opened.append((pieces, options, number))
            pieces = options[0]
            number += 1
        elif piece == "|" and opened:
            pieces = []
            opened[-1][1].append(pieces)
        elif piece == "}" and opened:
            pieces = _close(opened, path)
        else:
            pieces.append(piece)
    while opened:
        pieces = _close(opened, path)
    return _ESCAPED.sub(r"\1", "".join(_flat(pieces)))


def _close(opened: list[tuple[_Pieces, list[_Pieces], int]], path: str) -> _Pieces:
    """End the last open choice; return the pieces around it, now with one of its options."""
    around, options, number = opened.pop()
    digest = hashlib.sha256(f"choice/{path}/{number}".encode()).digest()
    around.append(options[int.from_bytes(digest[:8], "big") % len(options)])
    return around


def _flat(pieces: _Pieces) -> list[str]:
    """The texts in nested pieces, in order; nesting may be as deep as the text is long."""
    output: list[str] = []
    left = list(reversed(pieces))
    while left:
        piece = left.pop()
        if isinstance(piece, str):
            output.append(piece)
        else:
            left += reversed(piece)
    return output
