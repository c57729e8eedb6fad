"""Which ``(x)`` is the end of a tag's name, ``hatsune miku (append)``, and which is a weight.

Parentheses behind words are a qualifier where

- the whole tag is a known name in any spelling (``vocabulary.is_known_name``), the tag being all
  words from the comma, bracket or other construct before them to the closing parenthesis;
- an underscore stands before them, ``miku_(cat)``: nobody writes that for a weight;
- they hold one of the words by which general tags are told apart, ``star (symbol)``, at the end of
  the tag and not in a phrase such as ``a red (flower)``.

All else is a weight, as the host reads it. So is ``solo hatsune miku (append)``: where in a phrase
the name begins cannot be said, and a guess would change what the user wrote.
"""

from __future__ import annotations

import re
from enum import Enum

from ..vocabulary.tags import is_known_name
from .span_kind import SpanKind

# The longest listed name has 166 characters; none has five pairs of parentheses.
MAX_NAME = 170
MAX_PAIRS = 4

# Words that stand in parentheses in general and meta tags, kept by hand. Those that a user may well
# want to weigh (``hair``, ``sky``, ``place``, ``action``) stand below, with their tags.
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
# Behind one of these a general word is part of a phrase, and weighed.
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


class _Reading(Enum):
    """How a pair of parentheses is read behind given words."""

    WEIGHT = "weight"
    UNKNOWN = "unknown"  # a weight, unless the name goes on and is known then
    NAME = "name"  # a qualifier, unless a word is glued to it
    GENERAL = "general"  # a qualifier at the end of a tag


def mark_qualifiers(texts: list[str], kinds: list[SpanKind]) -> None:
    """Make qualifiers, in ``kinds``, of the weights that end the name of a tag."""
    readings: dict[str, _Reading] = {}  # by tag, since a prompt may repeat one 10,000 times
    word, weight = SpanKind.WORD, SpanKind.WEIGHT
    qualifier, escape = SpanKind.QUALIFIER, SpanKind.ESCAPE
    as_weight, as_name, as_general = _Reading.WEIGHT, _Reading.NAME, _Reading.GENERAL
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
        reading = readings.get(tag)
        if reading is None:
            reading = readings[tag] = _reading(words, group)
        if reading is as_weight or kinds[index] is qualifier:  # by a longer name
            continue
        follows = texts[index + 1] if index < last and kinds[index + 1] is word else ""
        if reading is as_name:
            is_qualifier = not (follows and follows.lstrip("_")[:1].isalnum())
        elif reading is as_general:
            is_qualifier = not follows or _TAG_END.match(follows) is not None
        else:
            is_qualifier = False
            if follows and not follows.strip(" _"):
                _mark_long_name(texts, kinds, index, tag, readings)
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


def _reading(words: str, group: str) -> _Reading:
    """How the group is read behind these words, whatever comes after it."""
    name = words.rstrip(" _")
    if len(group) > MAX_NAME or not _LETTER.search(name, max(0, len(name) - MAX_NAME)):
        return _Reading.WEIGHT
    is_typed_as_name = words[-1] == "_" and not words.rstrip("_")[-1].isspace()
    if is_typed_as_name and _PLAIN_PAIR.fullmatch(group) and not _WEIGHT_INSIDE.search(group):
        return _Reading.NAME
    if _is_name(words + group):
        return _Reading.NAME
    if _BRACKET.search(words):  # one without a partner, as in ``(miku (append), solo``
        after = _BRACKET.split(words)[-1]
        if after.strip() and _is_name(after + group):
            return _Reading.NAME
    if words[-1] in " _":
        last_word = _BLANK.split(name)[-1].casefold()
        qualifier = group[1:-1].replace("_", " ").casefold()
        if f"{last_word} ({qualifier})" in _GENERAL_TAGS:
            return _Reading.GENERAL
        if qualifier in _GENERAL and last_word not in _OF_A_PHRASE:
            return _Reading.GENERAL
    return _Reading.UNKNOWN


def _is_name(tag: str) -> bool:
    return len(tag) <= MAX_NAME and is_known_name(tag)


def _mark_long_name(
    texts: list[str],
    kinds: list[SpanKind],
    index: int,
    tag: str,
    readings: dict[str, _Reading],
) -> None:
    """Mark all pairs of a name that is known by all of them: ``artoria (lancer) (fate)``."""
    for last in range(index + 2, min(len(texts), index + 2 * MAX_PAIRS), 2):
        if kinds[last] is not SpanKind.WEIGHT or texts[last - 1].strip(" _"):
            return
        tag += texts[last - 1] + texts[last]
        if tag not in readings:
            readings[tag] = _Reading.NAME if _is_name(tag) else _Reading.UNKNOWN
        if readings[tag] is _Reading.NAME:
            kinds[index : last + 1 : 2] = [SpanKind.QUALIFIER] * ((last - index) // 2 + 1)
            return
