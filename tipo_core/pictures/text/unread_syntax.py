"""Finds parts of a prompt that look like syntax but reach the text encoder as words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ...prompt.syntax.span_kind import SpanKind
from .quotes import quote_list
from .schedule_forms import parse_spans

if TYPE_CHECKING:
    from ...prompt.syntax.parse import Spans

# A1111 takes every `<name:value>` for a LoRA or another extra network, and removes it.
_EXTRA_NETWORK = re.compile(r"<\w+:[^>]+>")
_BARE_BRACKET = re.compile(r"(?<!\\)[()]")
# Not the emoticon in `a :3`.
_BARE_WEIGHT = re.compile(
    r"(?:\s:\s|(?<!\s):\s?|\s:(?=[+-]?\d*\.\d))[+-]?(?:\d+\.?\d*|\.\d+)(?![\w.:%])"
)
# A tag without its end.
_OPEN_NETWORK = re.compile(r"<(?:lora|lyco|hypernet):[^<>]*(?=<|\Z)")
# Not those of emoticons.
_LOOSE_BRACKET = re.compile(r"(?<![\\:;=8xX>^'-])[\[\]{}](?![:;=<])")
_LAST_WORD = re.compile(r"[^\s,:|<>]+\Z")
# `16:9` is no weight, and `embedding:12` is a name.
_UNWEIGHTED = re.compile(r"[\d.]+|embedding", re.IGNORECASE)
# What to do about a tag, by its kind.
_LORA = "the node Load LoRAs from Prompt loads LoRAs and removes their tags"
_HYPERNETWORK = "ComfyUI's Hypernetwork Loader loads hypernetworks: delete the tag"
_OTHER_TAG = "A1111 takes each <name:value> for a tag of a network: write words without < and >"
_NETWORKS = {"lora": _LORA, "lyco": _LORA, "hypernet": _HYPERNETWORK}
_GROUPS = (SpanKind.WEIGHT, SpanKind.SCHEDULE, SpanKind.ALTERNATION)
_WINDOW = 40  # characters shown beside a bracket, and of a word before a weight


def without_extra_networks(text: str) -> tuple[str, list[str]]:
    """Return a text without `<lora:name:1>` and its like, and the removed parts."""
    # Without the cut the pattern would read on to the end for every `<a:` after the last `>`.
    end = text.rfind(">") + 1
    removed = _EXTRA_NETWORK.findall(text, 0, end)
    if not removed:
        return text, []
    return _EXTRA_NETWORK.sub("", text[:end]) + text[end:], removed


def unweighted_texts(text: str) -> Iterator[str]:
    """Return the texts that ComfyUI's tokenizer tokenizes when it has taken the weights.

    The rules are those of `token_weights` in `comfy/sd1_clip.py`, which also takes two brackets at
    the ends of a text that are not partners, as in `((a)`.
    """
    pending = [(0, len(text))]
    while pending:
        start, end = pending.pop()
        level = 0
        found = []
        for bracket in _BARE_BRACKET.finditer(text, start, end):
            place = bracket.start()
            if bracket[0] == "(":
                if level == 0:
                    found.append((start, place))
                    start = place
                level += 1
            else:
                level -= 1
                if level == 0:
                    found.append((start, place + 1))
                    start = place + 1
        for first, last in [*found, (start, end)]:
            is_closed = text[last - 1 : last] == ")" and text[last - 2 : last - 1] != "\\"
            if last - first >= 2 and text[first] == "(" and is_closed:
                pending.append((first + 1, _before_weight(text, first + 1, last - 1)))
            elif first < last:
                yield text[first:last]


def _before_weight(text: str, start: int, end: int) -> int:
    """Return where the weight of a group's text begins, or the end of the text without one."""
    colon = text.rfind(":", start, end)
    if colon <= start:
        return end
    try:
        float(text[colon + 1 : end])
    except ValueError:
        return end
    return colon


def unread_notes(texts: Iterable[str]) -> list[str]:
    """Return notes on texts as ComfyUI's encoder reads them, without weights and escapes.

    Notes name LoRA tags, weights without brackets and brackets without a partner.
    """
    tags: list[str] = []
    weights: list[str] = []
    brackets = []
    for text in texts:
        rest, of_text = without_extra_networks(text)
        tags += [*of_text, *_OPEN_NETWORK.findall(rest)]
        weights += bare_weights(rest)
        if bracket := _BARE_BRACKET.search(rest):
            brackets.append(rest[max(bracket.start() - _WINDOW, 0) : bracket.end() + _WINDOW])
    notes = [
        *network_notes(tags, "read as words"),
        bare_weights_note(weights),
        words_note(
            brackets,
            "a bracket here has no partner, so ComfyUI reads no weights after it: add the partner, "
            "or write \\( or \\) for the character",
        ),
    ]
    return [note for note in notes if note]


def network_notes(tags: Iterable[str], what: str) -> list[str]:
    """Return a note per kind of tag, such as LoRAs; `what` says what becomes of the tags."""
    kinds: dict[str, list[str]] = {}
    for tag in tags:
        kind = tag[1:].partition(":")[0].lower()
        kinds.setdefault(_NETWORKS.get(kind, _OTHER_TAG), []).append(tag)
    return [f"{what}: {quote_list(found)} ({remedy})" for remedy, found in kinds.items()]


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
    """Return notes on `[a]`, `{a}` and brackets without a partner in ComfyUI's syntax, or ''."""
    loose: list[str] = []
    groups = list(_square_brackets(parse_spans(text), loose))
    notes = (
        words_note(
            groups,
            "here only (a:1.2) weights; [a] lowers a weight with syntax A1111; write \\[ and \\] "
            "for the characters",
        ),
        words_note(
            loose,
            "a bracket here has no partner: add it, or write a \\ before it for the character",
        ),
    )
    return "\n".join(note for note in notes if note)


def _square_brackets(spans: Spans, loose: list[str]) -> Iterator[str]:
    """Yield the groups in brackets; texts around a bracket without a partner go to `loose`."""
    for span in spans:
        if span.kind is SpanKind.WORD and (found := _LOOSE_BRACKET.search(span.text)):
            loose.append(span.text[max(found.start() - _WINDOW, 0) : found.end() + _WINDOW].strip())
        if span.kind not in _GROUPS:
            continue
        # `prompt_schedule` names brackets with signs of a schedule.
        is_plain = ":" not in span.text and "|" not in span.text
        if (span.text[0] == "[" and is_plain) or span.text[0] == "{":
            yield span.text
        else:
            yield from _square_brackets(span.children, loose)


def words_note(quotes: Iterable[str], remedy: str) -> str:
    """Return the note that the quotes are words, with a remedy; '' without quotes."""
    shown = quote_list(quotes, 2 * _WINDOW)
    return f"read as words: {shown} ({remedy})" if shown else ""
