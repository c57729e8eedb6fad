"""The drawings of the demo: how a request asks for one, and words that no other prompt needs.

toy-sd, the model that draws the demo, knows scenes such as "landscape, brown hills, red field,
yellow ring sun". Most of their words mean other things elsewhere, so that no prompt tells a toy
planet from a real one. The metadata line `artist: toy-sd`, which is no part of the prompt, does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

TOY_ARTIST = "toy-sd"
# The kinds of picture that toy-sd draws.
TOY_STYLES = ("landscape", "planet", "critter", "potted plant")

_PHRASES = """
    critter, toy sd, yellow sun, red sun, white sun, ring sun, no sun, blue hills, brown hills,
    yellow hills, pink hills, purple hills, blue field, purple field, red field, round body,
    square body, tall body, wide body, pointed body, bare head, dot eyes, angry eyes, sleepy eyes,
    three eyes, zigzag mouth, round mouth, flat mouth, round shape, square shape, flared shape,
    purple pot, pink pot, orange pot, yellow pot, thin ring, wide ring, no ring, one moon,
    two moons, no moon
"""
_PATTERN = re.compile(
    rf"\b(?:{'|'.join(' '.join(one.split()) for one in _PHRASES.split(','))})\b", re.IGNORECASE
)
_BLANKS = str.maketrans("_-", "  ")


def is_toy_scene(meta: Mapping[str, str], texts: Iterable[str]) -> bool:
    """Return whether metadata and texts of a request ask for a drawing of toy-sd."""
    artists = (one.strip().lower() for one in meta.get("artist", "").split(","))
    return TOY_ARTIST in artists and any(
        style in text.lower() for text in texts for style in TOY_STYLES
    )


def without_toy_artist(meta: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata for a model that was trained without the line of toy-sd."""
    lines = dict(meta)
    artists = [one.strip() for one in lines.get("artist", "").split(",")]
    if TOY_ARTIST in (one.lower() for one in artists):
        lines["artist"] = ", ".join(one for one in artists if one.lower() != TOY_ARTIST)
    return {key: value for key, value in lines.items() if value}


def toy_words(text: str) -> tuple[str, ...]:
    """Return the toy words in a tag or a caption.

    Words that real pictures share with toy-sd (blue sky, green hills, smile) are none.
    """
    return tuple(match.group() for match in _PATTERN.finditer(text.translate(_BLANKS)))
