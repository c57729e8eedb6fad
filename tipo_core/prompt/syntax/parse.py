"""Parses an image prompt into verbatim spans.

The spans tile the text, so ``str(parse(text)) == text`` for every string. The prompt is never
rebuilt from a parsed form: ``Segment.plain`` is a separate view of the words for the language
model. ``scanner`` has the rules of the prompt language.

Of a schedule ``[a:b:0.5]`` the model sees the alternative that is active for longer: ``b`` where
the time is 0.5 or a step number. Of an alternation ``[a|b]`` it sees the first alternative. It
does not see wildcards, LoRAs, embeddings, BREAK, comments, parameters and NovelAI's weights, and
no words with a negative one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType
from typing import NamedTuple, overload

from ...surrogates import require_text
from ..vocabulary.plain_text import plain_text, without_brackets
from .comments import BLOCK, has_comment_sign
from .composition import AND, split_and_weight
from .emphasis import END
from .longest_text import longest_text
from .scanner import Pieces, scan, times_suffix, weight_suffix
from .span_kind import SpanKind

# Reading an attribute of an Enum takes longer than a search: too long for 100,000 spans.
_WORD, _SEPARATOR, _NEWLINE = SpanKind.WORD, SpanKind.SEPARATOR, SpanKind.NEWLINE
_WEIGHT, _SCHEDULE, _ALTERNATION = SpanKind.WEIGHT, SpanKind.SCHEDULE, SpanKind.ALTERNATION
_QUALIFIER, _ESCAPED, _MARK = SpanKind.QUALIFIER, SpanKind.ESCAPE, SpanKind.MARK
_ANGLE, _BREAK, _COMMENT = SpanKind.ANGLE, SpanKind.BREAK, SpanKind.COMMENT
_EMPHASIS, _PARAMETER = SpanKind.EMPHASIS, SpanKind.PARAMETER
_MARK_OF_GROUP = MappingProxyType({_WEIGHT: "", _SCHEDULE: ":", _ALTERNATION: "|"})
_BARE_PARENTHESIS = re.compile(r"(?<!\\)[()]")
# Not ``o_o``, and not names that are always written with underscores (``_FIXED_NAME``).
_UNDERSCORED = re.compile(r"(?:(?<=[^\W_]{2})_(?=[^\W_])|(?<=[^\W_])_(?=[^\W_]{2}))")
_FIXED_NAME = re.compile(r"\b(?:score_\d(?:_up)?|(?:source|rating)_[a-z]+)\b")
_SPACED = re.compile(r"[^\W_] (?=[^\W_])")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Span(NamedTuple):
    """A verbatim piece of the prompt: its kind, its text and the offset where it starts."""

    kind: SpanKind
    text: str
    start: int

    @property
    def end(self) -> int:
        """Offset after the last character."""
        return self.start + len(self.text)

    @property
    def children(self) -> Spans:
        """Spans between the brackets of a group; none for any other kind.

        ``text == text[0] + "".join(child texts) + text[-1]`` holds for every group. ``|``, the
        colons of a schedule and the final ``:1.2`` or ``:0.5`` are spans of kind MARK.
        """
        return _tiled(_children(self.kind, self.text), self.start + 1)


@dataclass(frozen=True, eq=False, repr=False)
class Spans(Sequence[Span]):
    """A sequence of spans, equal to the tuple of them. Each Span is made on access.

    A prompt may have 100,000 spans: making them all takes longer than parsing.
    """

    __slots__ = ("kinds", "starts", "texts")

    kinds: tuple[SpanKind, ...]
    texts: tuple[str, ...]
    starts: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[Span]:
        return map(Span, self.kinds, self.texts, self.starts)

    @overload
    def __getitem__(self, index: int) -> Span: ...

    @overload
    def __getitem__(self, index: slice) -> Spans: ...

    def __getitem__(self, index: int | slice) -> Span | Spans:
        if isinstance(index, slice):
            return Spans(self.kinds[index], self.texts[index], self.starts[index])
        return Span(self.kinds[index], self.texts[index], self.starts[index])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Spans):
            return (self.texts, self.kinds, self.starts) == (other.texts, other.kinds, other.starts)
        return tuple(self) == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


class Segment(NamedTuple):
    """One top-level item of the prompt: the text between two commas or line breaks.

    ``text`` is verbatim, without the blanks around it. ``words`` are the plain tags inside: one
    for a simple tag, several for ``(a, b:1.2)``, none for a LoRA.
    """

    text: str
    start: int
    words: tuple[str, ...]
    spans: tuple[Span, ...]

    @property
    def end(self) -> int:
        """Offset after the last character."""
        return self.start + len(self.text)

    @property
    def plain(self) -> str:
        """The words as the language model sees them; empty for no words."""
        return ", ".join(self.words)


@dataclass(frozen=True)
class Prompt:
    """A parsed prompt: spans that tile the text. ``str(prompt)`` is the text itself."""

    spans: Spans

    def __str__(self) -> str:
        return "".join(self.spans.texts)

    def segments(self) -> tuple[Segment, ...]:
        """The top-level items in order.

        BREAK, AND and comments are items of their own, and so is an angle tag or parameter at
        either end of an item: ``1girl <lora:x:1>`` is two items. ``/* */`` divides no item. The
        tags of one of NovelAI's weights, ``1.2::a, b::``, are one item.
        """
        spans = self.spans
        has_and = AND in spans.texts
        ranges = _segment_ranges(spans.texts, spans.kinds)
        return tuple(
            [
                _segment(spans, first, last, has_and and _ends_prompt(spans, last))
                for first, last in ranges
            ]
        )

    def escaped(self) -> str:
        """The text with the parentheses of ``name (series)`` escaped, all else verbatim.

        ComfyUI reads an unescaped ``(series)`` as a weight of 1.1.
        """
        return _escaped(self.spans.texts, self.spans.kinds)

    @property
    def uses_underscores(self) -> bool:
        """Whether the user writes ``long_hair`` more often than ``long hair``."""
        word, weight = SpanKind.WORD, SpanKind.WEIGHT
        pairs = zip(self.spans.kinds, self.spans.texts, strict=True)
        words = "\n".join([text for kind, text in pairs if kind is word or kind is weight])
        words = _FIXED_NAME.sub("", words)
        return len(_UNDERSCORED.findall(words)) > len(_SPACED.findall(words))


def parse(text: str) -> Prompt:
    """Parse any string in linear time; ``str`` of the result is the text.

    Raises TypeError if `text` is not a str, and nothing else.
    """
    require_text("text", text)
    return Prompt(_tiled(scan(text, 0, len(text)), 0))


def ends_in_comment(text: str) -> bool:
    """Whether text that follows on the same line would belong to a comment."""
    require_text("text", text)
    if not has_comment_sign(text):
        return False
    spans = parse(text).spans
    return bool(spans) and spans[-1].kind is SpanKind.COMMENT and not _is_block(spans[-1].text)


def escape_tag(tag: str) -> str:
    """Escape parentheses: ``miku (append)`` -> ``miku \\(append\\)``; escaped ones are kept."""
    require_text("tag", tag)
    return _BARE_PARENTHESIS.sub(r"\\\g<0>", tag)


def _tiled(pieces: Pieces, start: int) -> Spans:
    """The pieces as spans; the first one starts at `start`."""
    texts, kinds = pieces
    starts = tuple(accumulate(map(len, texts), initial=start))[:-1]
    return Spans(tuple(kinds), tuple(texts), starts)


def _children(kind: SpanKind, text: str) -> Pieces:
    """The pieces between the brackets of a group."""
    mark = _MARK_OF_GROUP.get(kind)
    if mark is None:
        return [], []
    close = len(text) - 1
    tail = None
    if kind is _SCHEDULE or (kind is _ALTERNATION and ":" in text):
        tail = times_suffix(text)
    elif kind is _WEIGHT and ":" in text:
        tail = weight_suffix(text)
    if tail is None:
        return scan(text, 1, close, mark)
    texts, kinds = scan(text, 1, tail.start(), mark)
    return [*texts, text[tail.start() : close]], [*kinds, _MARK]


def _escaped(texts: Sequence[str], kinds: Sequence[SpanKind]) -> str:
    output = []
    for text, kind in zip(texts, kinds, strict=True):
        if kind is _QUALIFIER:
            output.append(escape_tag(text))
        elif (kind is _WEIGHT or kind is _SCHEDULE or kind is _ALTERNATION) and "(" in text[1:]:
            output.append(text[0] + _escaped(*_children(kind, text)) + text[-1])
        else:
            output.append(text)
    return "".join(output)


def _is_block(comment: str) -> bool:
    return comment.startswith(BLOCK)


def _segment_ranges(texts: Sequence[str], kinds: Sequence[SpanKind]) -> Iterator[tuple[int, int]]:
    """The range of spans of each segment; segments of blanks are left out."""
    start = 0
    is_in_emphasis = False
    for index, kind in enumerate(kinds):
        if kind is _SEPARATOR or kind is _NEWLINE or kind is _BREAK or kind is _COMMENT:
            is_tag_end = kind is _SEPARATOR or kind is _NEWLINE
            if (is_tag_end and is_in_emphasis) or (kind is _COMMENT and _is_block(texts[index])):
                continue
            if start < index:
                yield from _split_off_ends(texts, kinds, start, index)
            if not is_tag_end:
                yield index, index + 1
            start = index + 1
        elif kind is _EMPHASIS:
            is_in_emphasis = texts[index] != END
    yield from _split_off_ends(texts, kinds, start, len(kinds))


def _split_off_ends(
    texts: Sequence[str], kinds: Sequence[SpanKind], start: int, end: int
) -> Iterator[tuple[int, int]]:
    """The range without the angle tags, parameters and comments at its ends, and a range for each
    of these."""

    def stands_alone(index: int) -> bool:
        kind = kinds[index]
        return kind is _ANGLE or kind is _PARAMETER or kind is _COMMENT

    first, last = start, end
    while first < last and (stands_alone(first) or texts[first].isspace()):
        first += 1
    while last > first and (stands_alone(last - 1) or texts[last - 1].isspace()):
        last -= 1
    for index in range(start, first):
        if stands_alone(index):
            yield index, index + 1
    if first < last:
        yield first, last
    for index in range(last, end):
        if stands_alone(index):
            yield index, index + 1


def _ends_prompt(spans: Spans, index: int) -> bool:
    """Whether the prompt, one of those around AND, ends before the span, apart from blanks."""
    while index < len(spans.texts) and spans.texts[index].isspace():
        index += 1
    return index == len(spans.texts) or spans.texts[index] == AND


def _segment(spans: Spans, first: int, last: int, has_and_weight: bool) -> Segment:
    """The segment of the spans ``[first, last)``; at its end may be the weight of an AND."""
    texts, kinds = spans.texts[first:last], spans.kinds[first:last]
    starts = spans.starts[first:last]
    text = "".join(texts)
    words = _plain_words(texts, kinds)
    if has_and_weight and words:
        words[-1] = split_and_weight(words[-1])[0]
        words = [word for word in words if word]
    start = starts[0] + len(text) - len(text.lstrip())
    return Segment(text.strip(), start, tuple(words), tuple(map(Span, kinds, texts, starts)))


def _plain_words(texts: Sequence[str], kinds: Sequence[SpanKind]) -> list[str]:
    """The plain tags in the pieces, in order."""
    if len(texts) == 1 and kinds[0] is _WORD:
        word = plain_text(without_brackets(texts[0]))
        return [word] if word else []
    parts: list[list[str]] = [[]]
    is_unwanted = False  # in a negative weight of NovelAI
    for text, kind in zip(texts, kinds, strict=True):
        if kind is _EMPHASIS:
            is_unwanted = text[0] == "-"
            parts[-1].append(" ")
        elif is_unwanted and kind is not _SEPARATOR and kind is not _NEWLINE:
            continue
        elif kind is _WORD:
            parts[-1].append(without_brackets(text))
        elif kind is _SEPARATOR or kind is _NEWLINE:
            parts.append([])
        elif kind is _ESCAPED:
            parts[-1].append(_ESCAPE.sub(r"\1", text))
        elif kind is _QUALIFIER:
            parts[-1].append(text)
        elif kind is _WEIGHT or kind is _SCHEDULE or kind is _ALTERNATION:
            inner = _plain_words(*_chosen(kind, text))
            parts[-1].extend(inner[:1])
            parts.extend([[word] for word in inner[1:]])
        else:
            parts[-1].append(" ")
    return [word for part in parts if (word := plain_text("".join(part)))]


def _chosen(kind: SpanKind, group: str) -> Pieces:
    """The children that the model sees: all of a weight, one alternative of other groups."""
    texts, kinds = _children(kind, group)
    tail = ""
    if kinds[-1:] == [_MARK] and texts[-1] != "|":
        tail = texts.pop()
        kinds.pop()
    if kind is _WEIGHT:
        return texts, kinds
    alternatives: list[Pieces] = []
    start = 0
    for end in [*(index for index, child in enumerate(kinds) if child is _MARK), len(kinds)]:
        alternatives.append((texts[start:end], kinds[start:end]))
        start = end + 1
    has_words = [bool("".join(words).strip()) for words, _ in alternatives]
    if not any(has_words):
        return [], []
    first = has_words.index(True)
    return alternatives[first if kind is _ALTERNATION else longest_text(has_words, tail)]
