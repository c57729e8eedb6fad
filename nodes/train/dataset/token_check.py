"""How many tokens a rare word is for the text encoders of a CLIP."""

from __future__ import annotations

from typing import Any

from ....tipo_core.dreambooth.dataset.rare_tokens import RARE_TOKENS, token_lines
from ..trained_parts import token_ids

_NAMES = (("l", "CLIP-L"), ("g", "CLIP-G"), ("h", "CLIP-H"), ("t5xxl", "T5"))


def token_report(clip: Any, token: str) -> list[str]:
    """Return a line for each text encoder of a CLIP on the length of a word in tokens."""
    names = dict(_NAMES)
    lengths, short = {}, {}
    for key in clip.tokenize(""):
        name = names.get(key, key)
        lengths[name] = len(token_ids(clip, token, key))
        if lengths[name] > 1:
            short[name] = tuple(w for w in RARE_TOKENS if len(token_ids(clip, w, key)) == 1)
    return token_lines(token, lengths, short)
