"""Reads an image prompt and keeps it as the user typed it. No torch, no language model.

- `syntax`: spans, brackets, weights and schedules of the prompt language
- `split`: the tags and the captions of a mixed prompt
- `translation`: words of Chinese, Japanese, Korean and Russian as tags
- `bans`: rules for tags and sentences that must not be generated
- `vocabulary`: categories and spellings of tags, name lists, blocklist
- `sentences`: the sentences of a caption
- `joins`: texts of tags and captions, joined so that each keeps its meaning
- `origins`: the parts of a prompt by their writer
- `choices`: one option of each ``{a|b}``, by a seed
- `template`: the language of templates, and `presets`: ready ones

ComfyUI imports the pack at every start, and compiling the patterns of this package takes longer
than the rest of the import. So the names below are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .bans.rules import Bans
    from .presets import DEFAULT_TEMPLATE, PRESETS
    from .sentences import count_sentences, split_sentences
    from .split.prompt_units import Side
    from .split.split_prompt import Part, SplitPrompt, split_prompt
    from .syntax.parse import (
        Prompt,
        Segment,
        Span,
        ends_in_comment,
        escape_tag,
        parse,
    )
    from .syntax.span_kind import SpanKind
    from .template import FIELDS, Template
    from .vocabulary.plain_text import plain_text
    from .vocabulary.tags import (
        Category,
        canonical,
        category,
        contradicts,
        is_known_name,
        person_count,
        person_range,
        ranges_contradict,
    )

_MODULES = MappingProxyType(
    {
        "Bans": "bans.rules",
        "plain_text": "vocabulary.plain_text",
        "DEFAULT_TEMPLATE": "presets",
        "PRESETS": "presets",
        "count_sentences": "sentences",
        "split_sentences": "sentences",
        "Part": "split.split_prompt",
        "Side": "split.prompt_units",
        "SplitPrompt": "split.split_prompt",
        "split_prompt": "split.split_prompt",
        "Prompt": "syntax.parse",
        "Segment": "syntax.parse",
        "Span": "syntax.parse",
        "SpanKind": "syntax.span_kind",
        "ends_in_comment": "syntax.parse",
        "escape_tag": "syntax.parse",
        "parse": "syntax.parse",
        "FIELDS": "template",
        "Template": "template",
        "Category": "vocabulary.tags",
        "canonical": "vocabulary.tags",
        "category": "vocabulary.tags",
        "contradicts": "vocabulary.tags",
        "is_known_name": "vocabulary.tags",
        "person_count": "vocabulary.tags",
        "person_range": "vocabulary.tags",
        "ranges_contradict": "vocabulary.tags",
    }
)

__all__ = [
    "DEFAULT_TEMPLATE",
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
    "ends_in_comment",
    "escape_tag",
    "is_known_name",
    "parse",
    "person_count",
    "person_range",
    "plain_text",
    "ranges_contradict",
    "split_prompt",
    "split_sentences",
]


def __getattr__(name: str) -> object:
    """Import the module that holds `name` (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)
