"""Names the parts of a prompt that a text encoder does not read as their program means them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ...prompt.syntax.comments import comments
from ...prompt.syntax.composition import AND
from ...prompt.syntax.span_kind import SpanKind
from .quotes import quote_list
from .schedule_forms import parse_spans

if TYPE_CHECKING:
    from ...prompt.syntax.parse import Span

_ARTIST = re.compile(r"\s*(@[^\W_][^\r\n]*)")
_TAG_START = frozenset(
    (SpanKind.SEPARATOR, SpanKind.NEWLINE, SpanKind.COMMENT, SpanKind.BREAK, SpanKind.MARK)
)
# What is said of each form, with its examples in place of {}.
_CHOICE = (
    "the choice {} remains and is read as words: resolve it with resolve_choices of TIPO Expand, "
    "or type it into this node"
)
_WILDCARD = "the wildcard {} remains and is read as words"
_EMPHASIS = "NovelAI's weight {} is read as words: write (word:1.2)"
_PARAMETER = "the parameter {} is read as words: delete it, or set it in a node"
_AND = "AND in the brackets {} is a word: write it outside of brackets"
_ARTIST_NAME = "the @ of {} is read by models trained on it, such as Anima; for CLIP it is a word"


def unread_forms(texts: Iterable[str], *, is_clip: bool = True) -> list[str]:
    """Return a note per form that is encoded as words: choices, wildcards, weights, parameters.

    With `is_clip` an artist such as ``@name`` is one of them.
    """
    found: dict[str, dict[str, None]] = {}
    for text in dict.fromkeys(texts):
        for note, example in _forms(parse_spans(text)):
            found.setdefault(note, {})[example] = None
    return [
        note.format(quote_list(examples))
        for note, examples in found.items()
        if is_clip or note != _ARTIST_NAME
    ]


def comment_lines(texts: Iterable[str]) -> list[str]:
    """Return a note on the comments of the texts, which are not encoded; none for no comments."""
    found = dict.fromkeys(comment for text in texts for comment in comments(text))
    return [f"left out as comments: {quote_list(found)}"] if found else []


def _forms(spans: Iterable[Span]) -> Iterator[tuple[str, str]]:
    """The forms among the spans and in their groups, each with its text."""
    is_tag_start = True
    for span in spans:
        kind = span.kind
        if kind is SpanKind.WILDCARD:
            is_choice = span.text[0] == "{"
            yield _CHOICE if is_choice else _WILDCARD, span.text
        elif kind is SpanKind.EMPHASIS:
            yield _EMPHASIS, span.text
        elif kind is SpanKind.PARAMETER:
            yield _PARAMETER, span.text
        elif kind is SpanKind.WORD and is_tag_start and (artist := _ARTIST.match(span.text)):
            yield _ARTIST_NAME, artist[1]
        elif kind in (SpanKind.WEIGHT, SpanKind.SCHEDULE, SpanKind.ALTERNATION):
            children = span.children
            if kind is SpanKind.WEIGHT and AND in children.texts:
                yield _AND, span.text
            yield from _forms(children)
        is_tag_start = kind in _TAG_START or (is_tag_start and kind is SpanKind.EMPHASIS)
