"""Split an expanded prompt into the user's words and the added words."""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal, NamedTuple

Owner = Literal["yours", "added", "between"]

# Commas, line ends and sentence ends separate pieces and are kept as pieces.
_SEPARATOR = re.compile(r"(\s*,\s*|\s*\n\s*|(?<=[.!?])\s+)")


class Part(NamedTuple):
    """A run of the text that belongs to one owner."""

    owner: Owner
    text: str


def diff_prompt(prompt: str, *typed: str) -> list[Part]:
    """Return the parts of a prompt with their owners; the joined texts are the prompt.

    A piece is the user's if it is verbatim one of the typed pieces.
    """
    mine: Counter[str] = Counter()
    for text in typed:
        mine.update(piece.strip() for piece in _SEPARATOR.split(text)[::2])
    parts: list[Part] = []
    for index, piece in enumerate(_SEPARATOR.split(prompt)):
        if not piece:
            continue
        owner: Owner = "between"
        if index % 2 == 0:
            is_mine = mine[piece.strip()] > 0
            mine[piece.strip()] -= is_mine
            owner = "yours" if is_mine else "added"
        parts.append(Part(owner, piece))
    return parts


def words_of(parts: list[Part], owner: Owner) -> str:
    """Return the pieces of one owner: a comma after a tag, a space after a sentence."""
    text = ""
    for part in parts:
        if part.owner == owner and (piece := part.text.strip()):
            separator = "" if not text else " " if text.endswith((".", "!", "?")) else ", "
            text += separator + piece
    return text


def on_terminal(parts: list[Part]) -> str:
    """Return the prompt for a terminal: the user's part bold, the added part green."""
    style = {"yours": "\x1b[1m", "added": "\x1b[32m", "between": ""}
    return "".join(
        f"{style[part.owner]}{part.text}\x1b[0m" if style[part.owner] else part.text
        for part in parts
    )
