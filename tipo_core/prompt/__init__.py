"""The text floor: the prompt as the user wrote it, and what can be read out of it."""

from .bans import Bans
from .plain import plain_text
from .scanner import SpanKind
from .sentences import count_sentences, split_sentences
from .split import Part, Side, SplitPrompt, split_prompt
from .syntax import Prompt, Segment, Span, escape_tag, parse
from .template import DEFAULT, FIELDS, PRESETS, Template
from .vocabulary import Category, canonical, category, contradicts, person_count

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
    "parse",
    "person_count",
    "plain_text",
    "split_prompt",
    "split_sentences",
]
