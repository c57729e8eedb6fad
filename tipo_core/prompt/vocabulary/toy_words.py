"""Words of toy-sd's drawings that no other prompt needs.

toy-sd, the model that draws the demo, knows scenes such as "landscape, brown hills, red field,
yellow ring sun". Words that real pictures share with it (blue sky, green hills, smile) do not
count. A request with one of these words is a toy prompt.
"""

from __future__ import annotations

import re

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


def toy_words(text: str) -> tuple[str, ...]:
    """Return the toy words in a tag or a caption."""
    return tuple(match.group() for match in _PATTERN.finditer(text.translate(_BLANKS)))
