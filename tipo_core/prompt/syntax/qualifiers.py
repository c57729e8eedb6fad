"""Decides whether ``(x)`` is the end of a name, ``hatsune miku (append)``, or a weight.

Parentheses after words are a qualifier, part of the name, where

- the whole tag is a known name in any spelling (``vocabulary.tags.is_known_name``): all words from
  the last comma, bracket or other construct to the closing parenthesis;
- an underscore precedes them, ``miku_(cat)``: nobody writes a weight like that;
- they hold a word that qualifies general tags, ``star (symbol)``, at the end of the tag and not in
  a phrase such as ``a red (flower)``.

Every other pair is a weight, as ComfyUI reads it. So is that in ``solo hatsune miku (append)``: the
start of the name in a phrase is unknown, and a guess would change the user's prompt.
"""

from __future__ import annotations

import re
from enum import Enum

from ..vocabulary.tags import is_known_name
from .span_kind import SpanKind

# The longest listed name has 166 characters; none has five pairs of parentheses.
MAX_NAME = 170
MAX_PAIRS = 4

# Qualifiers of general and meta tags, listed by hand. Words that a user may want to weight
# (``hair``, ``sky``, ``place``, ``action``) are in _GENERAL_TAGS, each with its tag.
_GENERAL = frozenset(
    (
        *("symbol", "shape", "object", "medium", "style", "texture", "phrase", "meme", "emblem"),
        *("series", "character", "cosplay", "company", "brand", "creature", "animal", "species"),
        *("flower", "plant", "fruit", "food", "gemstone", "planet", "season", "constellation"),
        *("instrument", "music", "weapon", "projectile", "vehicle", "aircraft", "hardware", "tool"),
        *("clothes", "clothing", "headdress", "ornament", "playing card", "chess", "cheerleading"),
        *("expression", "mythology", "zodiac", "unit", "container", "computing", "architecture"),
    )
)
_GENERAL_TAGS = frozenset(
    (
        *("star (sky)", "roots (hair)", "bar (place)", "painting (action)", "choko (cup)"),
        *("ball (basic)", "stand (jojo)", "gap (touhou)"),
    )
)
# After one of these a word of _GENERAL belongs to a phrase, and its parentheses are a weight.
_OF_A_PHRASE = frozenset(
    (
        *("a", "an", "the", "of", "with", "and", "or", "in", "on", "at", "by", "to", "from", "no"),
        *("for", "into", "over", "under", "near", "her", "his", "its", "their", "my", "your"),
        *("this", "that", "these", "those", "some", "many", "is", "are", "as", "very", "one"),
        *("red", "blue", "green", "yellow", "white", "black", "pink", "purple", "brown", "grey"),
        *("big", "small", "large", "huge", "tiny", "long", "short", "cute", "beautiful", "old"),
        *("holding", "wearing", "eating", "drinking", "riding", "playing", "picking", "cooking"),
    )
)
_PLAIN_PAIR = re.compile(r"\([^()\[\]{}<>|,\uff0c\u3001\r\n]*[^()\[\]{}<>|,\uff0c\u3001\s]\)")
_WEIGHT_INSIDE = re.compile(r":\s*[-+]?(?:\d+(?:\.\d*)?|\.\d+)\s*\)\Z")
_BRACKET = re.compile(r"[()\[\]{}]")
_BLANK = re.compile(r"[\s_]")
_LETTER = re.compile(r"[^\W_]")
_TAG_END = re.compile(r"[ \t_]*(?:\Z|:\s*[\d.]+\s*\Z|[)\]}])")


class _Meaning(Enum):
    """The meaning of a pair of parentheses after given words."""

    WEIGHT = "weight"
    UNKNOWN = "unknown"  # a weight, unless more parentheses follow that make it a known name
    NAME = "name"  # a qualifier, unless a word is glued to it
    GENERAL = "general"  # a qualifier at the end of a tag


def mark_qualifiers(texts: list[str], kinds: list[SpanKind]) -> None:
    """Change the kind of weights that end the name of a tag to QUALIFIER, in place."""
    meanings: dict[str, _Meaning] = {}  # by tag: a prompt may repeat one 10,000 times
    word, weight = SpanKind.WORD, SpanKind.WEIGHT
    qualifier, escape = SpanKind.QUALIFIER, SpanKind.ESCAPE
    as_weight, as_name, as_general = _Meaning.WEIGHT, _Meaning.NAME, _Meaning.GENERAL
    last = len(kinds) - 1
    for index in [
        index for index, kind in enumerate(kinds) if kind is weight and texts[index][0] == "("
    ]:
        group, words = texts[index], texts[index - 1]
        if kinds[index - 1] is not word or words[-1] in "()[]{}" or not index:
            continue
        if index > 1 and (kinds[index - 2] is qualifier or kinds[index - 2] is escape):
            words = _words_before(texts, kinds, index)
        tag = words + group
        meaning = meanings.get(tag)
        if meaning is None:
            meaning = meanings[tag] = _meaning(words, group)
        # A longer name may have marked this pair already.
        if meaning is as_weight or kinds[index] is qualifier:
            continue
        follows = texts[index + 1] if index < last and kinds[index + 1] is word else ""
        if meaning is as_name:
            is_qualifier = not (follows and follows.lstrip("_")[:1].isalnum())
        elif meaning is as_general:
            is_qualifier = not follows or _TAG_END.match(follows) is not None
        else:
            is_qualifier = False
            if follows and not follows.strip(" _"):
                _mark_long_name(texts, kinds, index, tag, meanings)
        if is_qualifier:
            kinds[index] = qualifier


def _words_before(texts: list[str], kinds: list[SpanKind], index: int) -> str:
    """The words before a pair of parentheses, with the pairs and escapes among them."""
    parts = (SpanKind.WORD, SpanKind.QUALIFIER, SpanKind.ESCAPE)
    first = index - 1
    least = max(0, index - 2 * MAX_PAIRS)
    while first > least and kinds[first - 1] in parts:
        first -= 1
    return "".join(texts[first:index])


def _meaning(words: str, group: str) -> _Meaning:
    """The meaning of the group after these words, without a look at the text that follows."""
    name = words.rstrip(" _")
    if len(group) > MAX_NAME or not _LETTER.search(name, max(0, len(name) - MAX_NAME)):
        return _Meaning.WEIGHT
    is_typed_as_name = words[-1] == "_" and not words.rstrip("_")[-1].isspace()
    if is_typed_as_name and _PLAIN_PAIR.fullmatch(group) and not _WEIGHT_INSIDE.search(group):
        return _Meaning.NAME
    if _is_name(words + group):
        return _Meaning.NAME
    if _BRACKET.search(words):  # without a partner, as in ``(miku (append), solo``
        after = _BRACKET.split(words)[-1]
        if after.strip() and _is_name(after + group):
            return _Meaning.NAME
    if words[-1] in " _":
        last_word = _BLANK.split(name)[-1].casefold()
        qualifier = group[1:-1].replace("_", " ").casefold()
        if f"{last_word} ({qualifier})" in _GENERAL_TAGS:
            return _Meaning.GENERAL
        if qualifier in _GENERAL and last_word not in _OF_A_PHRASE:
            return _Meaning.GENERAL
    return _Meaning.UNKNOWN


def _is_name(tag: str) -> bool:
    return len(tag) <= MAX_NAME and is_known_name(tag)


def _mark_long_name(
    texts: list[str],
    kinds: list[SpanKind],
    index: int,
    tag: str,
    meanings: dict[str, _Meaning],
) -> None:
    """Mark all pairs of a known name that has several: ``artoria (lancer) (fate)``."""
    for last in range(index + 2, min(len(texts), index + 2 * MAX_PAIRS), 2):
        if kinds[last] is not SpanKind.WEIGHT or texts[last - 1].strip(" _"):
            return
        tag += texts[last - 1] + texts[last]
        if tag not in meanings:
            meanings[tag] = _Meaning.NAME if _is_name(tag) else _Meaning.UNKNOWN
        if meanings[tag] is _Meaning.NAME:
            kinds[index : last + 1 : 2] = [SpanKind.QUALIFIER] * ((last - index) // 2 + 1)
            return
