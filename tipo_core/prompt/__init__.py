"""The text floor: the prompt as the user wrote it, and what can be read out of it.

The names below are looked up on first use: ComfyUI imports the pack at every start, and compiling
the patterns of this floor takes longer than all the rest of it.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .bans import Bans
    from .plain import plain_text
    from .presets import DEFAULT, PRESETS
    from .sentences import count_sentences, split_sentences
    from .split import Part, Side, SplitPrompt, split_prompt
    from .syntax import Prompt, Segment, Span, SpanKind, escape_tag, parse
    from .template import FIELDS, Template
    from .vocabulary import (
        Category,
        canonical,
        category,
        contradicts,
        is_known_name,
        person_count,
    )

_MODULES = MappingProxyType(
    {
        "Bans": "bans",
        "plain_text": "plain",
        "DEFAULT": "presets",
        "PRESETS": "presets",
        "count_sentences": "sentences",
        "split_sentences": "sentences",
        "Part": "split",
        "Side": "split",
        "SplitPrompt": "split",
        "split_prompt": "split",
        "Prompt": "syntax",
        "Segment": "syntax",
        "Span": "syntax",
        "SpanKind": "syntax",
        "escape_tag": "syntax",
        "parse": "syntax",
        "FIELDS": "template",
        "Template": "template",
        "Category": "vocabulary",
        "canonical": "vocabulary",
        "category": "vocabulary",
        "contradicts": "vocabulary",
        "is_known_name": "vocabulary",
        "person_count": "vocabulary",
    }
)

__all__ = [
    "DEFAULT",
    "FIELDS",
    "PRESETS",
    "Bans",
    "Category",
    "Part",
    "Prompt",
    "Segment",
    "Side",
    "Span",
    "SpanKind",
    "SplitPrompt",
    "Template",
    "canonical",
    "category",
    "contradicts",
    "count_sentences",
    "escape_tag",
    "is_known_name",
    "parse",
    "person_count",
    "plain_text",
    "split_prompt",
    "split_sentences",
]


def __getattr__(name: str) -> object:
    """Import the module that holds `name` (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)
