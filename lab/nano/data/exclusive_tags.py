"""Tags that a picture of one person has at most one of."""

from __future__ import annotations

import re
from functools import lru_cache

from tipo_core.expansion.caption_rules.aspects import COLORS, Aspect, aspect

# Aspects of the tags of a picture without people.
SCENE_ASPECTS = frozenset({Aspect.PLACE, Aspect.SKY, Aspect.THING, Aspect.STYLE, Aspect.BACKGROUND})

# A picture of one person has at most one tag of each group.
_ONE_OF = (
    frozenset(("open mouth", "closed mouth", "parted lips")),
    frozenset(("sitting", "standing", "kneeling", "walking", "running", "lying", "squatting")),
    frozenset(("upper body", "full body", "cowboy shot", "portrait", "close-up", "wide shot")),
    frozenset(("indoors", "outdoors")),
    frozenset(("day", "night", "sunset", "sunrise", "evening", "dusk", "morning")),
    frozenset(("smile", "frown", "grin", "expressionless", "light smile", "pout", "smirk")),
    frozenset(("from side", "from above", "from below", "from behind", "straight-on")),
    frozenset(("monochrome", "limited palette", "spot color")),
)
_COLOURED = re.compile(rf"^(?:{'|'.join(sorted(COLORS))}) (\w+)$")


@lru_cache(maxsize=8192)
def exclusive_group(tag: str) -> str:
    """Return the tag's group of mutually exclusive tags (for one person), or ''."""
    found = aspect(tag)
    if found in (Aspect.HAIR_COLOR, Aspect.HAIR_LENGTH, Aspect.GAZE, Aspect.BACKGROUND):
        return str(found.value)
    coloured = _COLOURED.match(tag)
    if coloured:
        return str(coloured.group(1))
    for number, group in enumerate(_ONE_OF):
        if tag in group:
            return f"one of {number}"
    return ""
