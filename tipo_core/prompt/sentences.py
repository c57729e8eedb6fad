"""Splits a caption into sentences without losing a character."""

from __future__ import annotations

import re

from ..surrogates import require_text

# A run of stops, the quotes and brackets that close after it, and the blanks that follow.
_STOP = re.compile(
    r"""(?P<stop>[.!?\u2026]+|[\u3002\uff01\uff1f\uff61]+)"""
    r"""(?P<close>["'\u2019\u201d)\]\u300d\u300f\u300b\uff09\u3011]*)(?P<gap>\s*)"""
    r"""|(?P<blank_line>(?<![ \t])[ \t]*(?:\r?\n[ \t]*){2,})"""
)
_WIDE_STOPS = frozenset("\u3002\uff01\uff1f\uff61")
_LAST_WORD = re.compile(r"[^\s(\[\"'\u201c\u2018]+\Z")
_OPENING = "\"'([\u201c\u2018\u300c\u300e\u00bf\u00a1"
# Abbreviations that never end a sentence.
_LEADING = frozenset(
    (
        *("dr", "mr", "mrs", "ms", "mx", "prof", "st", "mt", "rev", "hon", "gen", "col", "capt"),
        *("lt", "sgt", "cmdr", "gov", "sen", "rep", "pres", "fr", "sr", "e.g", "i.e", "vs", "cf"),
        *("viz", "al", "eg", "ie", "fig", "figs", "vol", "no", "nos", "pp", "ca", "approx"),
        *("feat", "ft"),
    )
)
# Abbreviations only before a number: ``no. 5``, but ``I said no.``
_BEFORE_NUMBER = frozenset(("no", "nos", "fig", "figs", "vol", "pp", "p", "ca", "approx", "ft"))
# Abbreviations that end a sentence only where the next word can start one.
_AMBIGUOUS = frozenset(
    (
        *("etc", "jr", "inc", "ltd", "co", "corp", "a.m", "p.m", "u.s", "u.k", "u.s.a", "u.n"),
        *("b.c", "a.d", "d.c", "ph.d", "m.d", "b.a", "m.a", "esp", "dept", "est", "ave", "blvd"),
        *("cm", "mm", "km", "kg", "lb", "lbs", "oz", "in", "min", "sec", "hr", "hrs"),
    )
)
_SENTENCE_STARTERS = frozenset(
    (
        *("a", "an", "the", "he", "she", "it", "they", "we", "you", "i", "this", "that", "these"),
        *("those", "there", "here", "his", "her", "its", "their", "our", "my", "your", "in"),
        *("on", "at", "behind", "above", "below", "beside", "next", "one", "two", "three"),
        *("some", "another", "both", "all", "each", "many", "several", "while", "with", "when"),
        *("as", "after", "before", "and", "but", "then", "also", "overall", "around", "under"),
        *("over", "near", "from", "to", "for", "by", "if", "nearby", "meanwhile", "only", "no"),
    )
)
_UNITS = frozenset(("cm", "mm", "km", "kg", "lb", "lbs", "oz", "in", "min", "sec"))
_SENTENCE_END = re.compile("[.!?\u2026\u3002\uff01\uff1f][\"'\u201d\u2019)]*\\Z")
# Signs and blanks that a full stop replaces.
_HALF_STOPS = " \t\r\n,;:\uff0c\u3001\uff1b\uff1a\u2013\u2014"
_NEXT_WORD = re.compile(r"[^\W_][\w'-]*")


def ends_sentence(text: str) -> bool:
    """Whether the text ends with a full stop or the like; quotes and blanks may follow it."""
    return _SENTENCE_END.search(text.rstrip()) is not None


def with_stop(text: str) -> str:
    """Return the text with a full stop in place of a comma or the like at its end.

    A text that ends a sentence, or has no words, stays as it is.
    """
    if not _has_word(text) or ends_sentence(text):
        return text
    bare = text.rstrip(_HALF_STOPS)
    return f"{bare}{stop_for(bare)}" if bare else text


def stop_for(text: str) -> str:
    """Return the full stop that fits the end of a text: Chinese and Japanese have their own."""
    return "\u3002" if "\u3041" <= text[-1:] <= "\u9fff" else "."


def split_sentences(text: str) -> tuple[str, ...]:
    """Split a text into sentences, each with the blanks after it: joined they are the text.

    A blank line ends a sentence too. Pieces without letters and digits belong to the sentence
    before them. An empty text has no sentences.
    """
    require_text("text", text)
    sentences: list[str] = []
    start = 0
    for match in _STOP.finditer(text):
        if match.end() < len(text) and _ends_sentence(text, start, match):
            sentences.append(text[start : match.end()])
            start = match.end()
    if start < len(text):
        sentences.append(text[start:])
    return tuple(_merge_wordless(sentences))


def count_sentences(text: str) -> int:
    """Count the sentences of a text; 0 for a text without letters and digits."""
    return sum(1 for sentence in split_sentences(text) if _has_word(sentence))


def _has_word(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _merge_wordless(sentences: list[str]) -> list[str]:
    """Join sentences without words to the sentence before them."""
    groups: list[list[str]] = []
    has_word = False  # of the last group
    for sentence in sentences:
        is_wordless = not _has_word(sentence)
        if groups and (is_wordless or not has_word):
            groups[-1].append(sentence)
            has_word = has_word or not is_wordless
        else:
            groups.append([sentence])
            has_word = not is_wordless
    return ["".join(group) for group in groups]


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether the stop ends the sentence that begins at `start`; it is not the last character."""
    stop = match.group("stop")
    if stop is None or stop[-1] in _WIDE_STOPS:
        return True
    following = text[match.end()]
    if not match.group("gap"):
        # ``1.5 m``, ``e.g.``, ``site.com``; Chinese and Japanese need no blank between sentences
        return stop[-1] in "!?\u2026" and ord(following) >= 0x3000
    if following in _OPENING:
        next_word = _NEXT_WORD.search(text, match.end(), match.end() + 40)
        following = next_word.group()[0] if next_word else following
    if stop[0] == "\u2026" or stop.endswith(".."):
        return not following.islower()
    if stop != ".":  # ``"Hello!" she said`` is one sentence, ``wow! a cat`` are two
        return not (match.group("close") and following.islower())
    return not _is_abbreviation(text, start, match, following)


def _is_abbreviation(text: str, start: int, match: re.Match[str], following: str) -> bool:
    """Whether the period belongs to an abbreviation and does not end the sentence."""
    before = _LAST_WORD.search(text, max(start, match.start() - 40), match.start())
    if before is None:
        return False
    word = before.group()
    name = word.casefold()
    if name in _BEFORE_NUMBER:
        return following.isdigit()
    if name in _LEADING:
        return True
    initial = len(word) == 1 and word.isupper() and word != "I"
    dotted = len(word) > 2 and all(len(part) == 1 for part in word.split("."))
    unit = name in _UNITS
    if not (initial or dotted or name in _AMBIGUOUS):
        return False
    if following.islower():
        return not unit or name != "in"
    if unit:
        return False
    next_word = _NEXT_WORD.search(text, match.end(), match.end() + 40)
    return next_word is not None and next_word.group().casefold() not in _SENTENCE_STARTERS
