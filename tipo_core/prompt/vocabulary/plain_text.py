"""Plain words of a tag: underscores become spaces, except in emoticons and fixed names."""

from __future__ import annotations

import re

from ...surrogates import require_text

# ``^_^``, ``0_0``, ``>_<``, ``||_||``: up to three characters a side, no two letters in a row.
_FACE = re.compile(r"[^\s_]{1,3}_[^\s_]{1,3}\Z")
_TWO_WORD_SIGNS = re.compile(r"\w{2}")
# Names that the models know with their underscores.
FIXED_NAME = re.compile(r"(?i:score_\d(?:_up)?|source_(?:anime|cartoon|furry|pony))\Z")
_BRACKETS = re.compile(r"[()\[\]{}]")
_BRACKET_FACE = re.compile(r"(?:[>}]?[:;=8][-^'o]?[()\[\]{}]+|[()\[\]{}]+[-^'o]?[:;=8])\Z")


def is_emoticon(word: str) -> bool:
    """Whether the word is an emoticon such as ``^_^``, ``0_0`` or ``:)``."""
    if _BRACKET_FACE.match(word):
        return True
    return bool(_FACE.match(word)) and not any(
        _TWO_WORD_SIGNS.search(side) for side in word.split("_")
    )


def plain_text(text: str) -> str:
    """Separate the words by single spaces; underscores count as spaces, except in emoticons."""
    if not isinstance(text, str):
        require_text("text", text)
    if "_" not in text:
        return " ".join(text.split())
    words = [
        word
        if "_" not in word or is_emoticon(word) or FIXED_NAME.match(word)
        else " ".join(word.replace("_", " ").split())
        for word in text.split()
    ]
    return " ".join([word for word in words if word])


def without_brackets(text: str) -> str:
    """Remove brackets, except those of emoticons; blanks do not change."""
    if not _BRACKETS.search(text):
        return text
    parts = re.split(r"(\s+)", text)
    return "".join([part if is_emoticon(part) else _BRACKETS.sub("", part) for part in parts])
