"""Changes of a prompt without which a family's encoder would misread it.

All other text stays verbatim: LoRAs, embeddings, wildcards, schedules, comments, BREAK and AND.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..syntax.parse import Span, parse
from ..syntax.scanner import weight_suffix
from ..syntax.span_kind import SpanKind
from ..vocabulary.plain_text import FIXED_NAME, is_emoticon
from ..vocabulary.tags import Category, category
from .family import SPACES, WORDS, Family

_GROUPS = frozenset((SpanKind.WEIGHT, SpanKind.SCHEDULE, SpanKind.ALTERNATION))
# Kinds of spans that are parts of a tag's name.
_NAME = frozenset((SpanKind.WORD, SpanKind.QUALIFIER, SpanKind.ESCAPE))
_WRITTEN_WORD = re.compile(r"\S+")
_ARTIST_LABEL = re.compile(r"(\s*)(?:artists?[ ]?:[ ]?)?(?=\S)", re.IGNORECASE)
# Forms of a sentence: `drawn by wlop` is read as it is.
_SENTENCE = re.compile(r"\s*(?:drawn|art|artwork) by\b", re.IGNORECASE)
MAX_EXAMPLES = 4  # changes of one kind that a report quotes


class EncoderReadings:
    """Applies a family's readings to texts; `changes` has each change once, by its reason."""

    def __init__(self, family: Family) -> None:
        self._family = family
        self.changes: dict[str, dict[str, str]] = {}

    def tags(self, text: str) -> str:
        """Return a text of tags as the family's encoder must have it."""
        family = self._family
        if family.weights == WORDS and "(" in text:
            text = self._without_weights(text, has_prose=False)
        if family.underscores == SPACES and "_" in text:
            text = self._with_spaces(text)
        if family.artist_prefix:
            text = self._with_artist_prefix(text)
        return text

    def prose(self, text: str) -> str:
        """Return a caption as the family's encoder must have it."""
        if self._family.weights == WORDS and "(" in text:
            return self._without_weights(text, has_prose=True)
        return text

    def notes(self) -> list[str]:
        """Return a line for each kind of change, with examples."""
        lines = []
        for reason, changed in self.changes.items():
            shown = [f"{old!r} -> {new!r}" for old, new in list(changed.items())[:MAX_EXAMPLES]]
            more = f", and {len(changed) - MAX_EXAMPLES} more" if len(shown) < len(changed) else ""
            lines.append(f"changed, because {reason}: {', '.join(shown)}{more}")
        return lines

    def _note(self, reason: str, old: str, new: str) -> None:
        self.changes.setdefault(reason, {})[old.strip()] = new.strip()

    def _without_weights(self, text: str, *, has_prose: bool) -> str:
        """The text without the brackets and numbers of weights.

        Brackets without a number stay in a caption: they belong to its sentences.
        """
        reason = f"the encoder of {self._family.label} reads the brackets of weights as words"
        output = []
        for span in parse(text).spans:
            bare = _unweighted(span, has_prose)
            if bare != span.text:
                self._note(reason, span.text, bare)
            output.append(bare)
        return "".join(output)

    def _with_spaces(self, text: str) -> str:
        reason = f"{self._family.label} knows tags with spaces"

        def spaced(match: re.Match[str]) -> str:
            word = match.group()
            if "_" not in word or is_emoticon(word) or FIXED_NAME.match(word):
                return word
            self._note(reason, word, new := word.replace("_", " "))
            return new

        return "".join(
            [
                _WRITTEN_WORD.sub(spaced, span.text) if span.kind is SpanKind.WORD else span.text
                for span in _leaves(parse(text).spans)
            ]
        )

    def _with_artist_prefix(self, text: str) -> str:
        prefix = self._family.artist_prefix
        reason = f"{self._family.label} knows artists with {prefix}"
        output = []
        for name, is_name in _names(text):
            new = name
            if is_name and _is_artist(name) and not _SENTENCE.match(name):
                new = _ARTIST_LABEL.sub(rf"\g<1>{prefix}", name, count=1)
                new = name if name.lstrip().startswith(prefix) else new
            if new != name:
                self._note(reason, name, new)
            output.append(new)
        return "".join(output)


def _unweighted(span: Span, has_prose: bool) -> str:
    if span.kind not in _GROUPS:
        return span.text
    children = span.children
    inner = "".join([_unweighted(child, has_prose) for child in children])
    if span.kind is not SpanKind.WEIGHT:
        return span.text[0] + inner + span.text[-1]
    tail = weight_suffix(span.text) if ":" in span.text else None
    if tail is None and has_prose:
        return span.text[0] + inner + span.text[-1]
    bare = inner[: len(inner) - len(children[-1].text)] if tail is not None else inner
    return bare if bare.strip() else span.text


def _leaves(spans: Iterable[Span]) -> Iterator[Span]:
    """The spans in order, with those inside of groups; brackets are spans of kind MARK."""
    for span in spans:
        if span.kind in _GROUPS and span.children:
            yield Span(SpanKind.MARK, span.text[0], span.start)
            yield from _leaves(span.children)
            yield Span(SpanKind.MARK, span.text[-1], span.end - 1)
        else:
            yield span


def _names(text: str) -> Iterator[tuple[str, bool]]:
    """The pieces of a text, and whether each is a tag's whole name."""
    name: list[str] = []
    for span in _leaves(parse(text).spans):
        if span.kind in _NAME:
            name.append(span.text)
            continue
        if name:
            yield "".join(name), True
            name = []
        yield span.text, False
    if name:
        yield "".join(name), True


def _is_artist(name: str) -> bool:
    return bool(name.strip()) and category(name) is Category.ARTIST
