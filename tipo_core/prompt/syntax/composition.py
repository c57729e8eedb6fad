"""Prompts joined by AND, each with a weight at its end: ``a cat :1.2 AND a dog :.5``.

The form of the weight is that of the A1111 web UI (`modules/prompt_parser.py`): digits with or
without a point, an optional sign, blanks around it. The parser and the prompt schedule share it.
"""

from __future__ import annotations

import re

AND = "AND"
_WEIGHT = re.compile(r"\s*([-+]?(?:\d+\.?|\d*\.\d+))\s*")


def split_and_weight(text: str) -> tuple[str, float | None]:
    """Split one of the prompts around AND into its text and its weight; None for no weight."""
    head, colon, tail = text.rpartition(":")
    match = _WEIGHT.fullmatch(tail) if colon else None
    return (head.rstrip(), float(match[1])) if match else (text, None)
