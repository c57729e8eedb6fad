"""Rare words for a subject: short words that a text encoder reads as one token and hardly knows."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...report_lines import warning

# Short words of one token in CLIP's vocabulary, as the DreamBooth paper chooses them. "sks" is the
# habit of most guides; it is also the name of a rifle.
RARE_TOKENS = ("sks", "ohwx", "olis", "shs", "hta", "sls", "phol")
DEFAULT_TOKEN = RARE_TOKENS[0]


def without_token(prompt: str, token: str) -> str:
    """Return a prompt without the token: the prompt of the class."""
    if not token:
        return prompt
    bare = re.sub(rf"(?<!\w){re.escape(token)}(?!\w)", "", prompt)
    bare = re.sub(r"\s{2,}", " ", bare)
    return re.sub(r"\s*(?:,\s*)+,", ",", bare).strip(" ,")


def has_token(text: str, token: str) -> bool:
    """Return whether a text has the token as a word of its own."""
    return re.search(rf"(?<!\w){re.escape(token)}(?!\w)", text) is not None


def token_lines(
    token: str, lengths: Mapping[str, int], short: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """Return a line for each text encoder: how many tokens the word is, and shorter words.

    `lengths` are the numbers of tokens by encoder, `short` the rare words that are one token there.
    """
    lines = []
    for encoder, length in lengths.items():
        line = f"token {token!r} in {encoder}: {length} token{'' if length == 1 else 's'}"
        if length == 0:
            line += ", the encoder does not read it: choose another word"
        elif length > 1:
            others = [word for word in short.get(encoder, ()) if word != token]
            line += ", each of which means something already"
            if others:
                line += f"; one token: {', '.join(others)}"
        lines.append(line if length == 1 else warning(line))
    return lines
