"""Finds parts of a prompt that look like syntax but reach the text encoder as words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ...prompt.syntax.span_kind import SpanKind
from .schedule_forms import parse_spans

if TYPE_CHECKING:
    from ...prompt.syntax.parse import Spans

# A1111 takes every `<name:value>` for a LoRA or another extra network, and removes it.
_EXTRA_NETWORK = re.compile(r"<\w+:[^>]+>")
_BARE_BRACKET = re.compile(r"(?<!\\)[()]")
# Not the emoticon in `a :3`.
_BARE_WEIGHT = re.compile(r"(?:\s:\s|(?<!\s):\s?)[+-]?(?:\d+\.?\d*|\.\d+)(?![\w.:%])")
_LAST_WORD = re.compile(r"[^\s,:|<>]+\Z")
# `16:9` is no weight, and `embedding:12` is a name.
_UNWEIGHTED = re.compile(r"[\d.]+|embedding", re.IGNORECASE)
_GROUPS = (SpanKind.WEIGHT, SpanKind.SCHEDULE, SpanKind.ALTERNATION)
_WINDOW = 40  # characters shown beside a bracket, and of a word before a weight
_MOST = 3  # quotes in one note


def without_extra_networks(text: str) -> tuple[str, list[str]]:
    """Return a text without `<lora:name:1>` and its like, and the removed parts."""
    # Without the cut the pattern would read on to the end for every `<a:` after the last `>`.
    end = text.rfind(">") + 1
    removed = _EXTRA_NETWORK.findall(text, 0, end)
    if not removed:
        return text, []
    return _EXTRA_NETWORK.sub("", text[:end]) + text[end:], removed


def unread_notes(texts: Iterable[str]) -> list[str]:
    """Return notes on texts as ComfyUI's encoder reads them, without weights and escapes.

    Notes name LoRA tags, weights without brackets and brackets without a partner.
    """
    tags, weights, brackets = [], [], []
    for text in texts:
        rest, of_text = without_extra_networks(text)
        tags += of_text
        weights += bare_weights(rest)
        if bracket := _BARE_BRACKET.search(rest):
            brackets.append(rest[max(bracket.start() - _WINDOW, 0) : bracket.end() + _WINDOW])
    notes = [
        words_note(tags, "the node Load LoRAs from Prompt loads LoRAs and removes their tags"),
        bare_weights_note(weights),
        words_note(
            brackets,
            "a bracket without a partner switches weights off, so close it, or write \\( or \\) "
            "for the character",
        ),
    ]
    return [note for note in notes if note]


def bare_weights_note(weights: Iterable[str]) -> str:
    """Return the note on weights without brackets, or ''."""
    return words_note(weights, "a weight needs brackets, as in (cat:1.2)")


def bare_weights(text: str) -> Iterator[str]:
    """Find `cat:1.2` in a text that has no brackets."""
    for found in _BARE_WEIGHT.finditer(text):
        before = _LAST_WORD.search(text, max(found.start() - _WINDOW, 0), found.start())
        if before and not _UNWEIGHTED.fullmatch(before[0]):
            yield before[0] + found[0]


def square_bracket_note(text: str) -> str:
    """Return a note on the `[a]` of a prompt in ComfyUI's syntax, or ''."""
    return words_note(
        _square_brackets(parse_spans(text)),
        "with syntax A1111 they lower the weight; write \\[ and \\] for the characters",
    )


def _square_brackets(spans: Spans) -> Iterator[str]:
    for span in spans:
        if span.kind not in _GROUPS:
            continue
        # `prompt_schedule` names brackets with signs of a schedule.
        if span.text[0] == "[" and ":" not in span.text and "|" not in span.text:
            yield span.text
        else:
            yield from _square_brackets(span.children)


def words_note(quotes: Iterable[str], remedy: str) -> str:
    """Return the note that the quotes are words, with a remedy; '' without quotes."""
    unlike = list(dict.fromkeys(" ".join(quote.split()) for quote in quotes))
    if not unlike:
        return ""
    shown = ", ".join(f'"{quote[: 2 * _WINDOW]}"' for quote in unlike[:_MOST])
    more = f" and {len(unlike) - _MOST} more" if len(unlike) > _MOST else ""
    return f"read as words: {shown}{more} ({remedy})"
