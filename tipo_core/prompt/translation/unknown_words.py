"""Finds the words that the dictionary lacks: each is kept whole and named whole.

A letter that may be grammar is a letter of the unknown word beside it where grammar cannot stand: a
number before no noun or measure word (``\u4e09\u56fd\u6f14\u4e49``), a measure word after no number
(``\u4eba\u884c\u9053``), an ending at the beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ..vocabulary.translations import WordKind
from .word_tokens import COUNTED, GRAMMAR, Token, is_hiragana, is_latin, narrowed

# Chinese letters that follow a word; at the beginning of a text they are no grammar.
_ENDINGS = frozenset(
    "\u4e86\u7740\u5730\u5f97\u8fc7\u4e0a\u4e0b\u4e2d\u91cc\u5185\u8fb9\u524d\u540e\u65c1\u7684\u4e4b\u4eec"
)
# After these a measure word needs no number: this, that, each, some, another.
_DETERMINERS = frozenset("\u8fd9\u90a3\u6bcf\u67d0\u6574\u534a\u51e0\u53e6\u5404")
_PARTICLES = frozenset("\u306f\u304c\u3092\u306b\u3078\u3068\u3082\u306e\u3084\u3067")
_PLACES = frozenset("\u4e0a\u4e0b\u4e2d")
# Words that end a name.
_NAMED = frozenset((WordKind.THING, WordKind.PERSON, WordKind.GIRL, WordKind.BOY, WordKind.NAME))
_NAME_PREFIXES = frozenset("\u5c0f\u8001")


def join_unknown(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens of a run with the letters of each unknown word as one token."""
    joined: list[Token] = []
    for is_blank, group in groupby(tokens, key=lambda token: token.text.isspace()):
        members = list(group)
        joined += members if is_blank else _joined_chunk(members)
    return joined


def _joined_chunk(tokens: list[Token]) -> list[Token]:
    """Join the unknown words of a text without blanks."""
    parts = [token.entry is None and _is_word_letter(token.text) for token in tokens]
    first = tokens[0].text
    if not (any(parts) or is_hiragana(first) or first in _NAME_PREFIXES or first in _PLACES):
        return tokens
    parts = [
        is_part or (_is_content_letter(token) and _has_neighbour(parts, place))
        for place, (token, is_part) in enumerate(zip(tokens, parts, strict=True))
    ]
    _mark_kana_word(tokens, parts)
    _mark_name(tokens, parts)
    strays = [_is_stray(tokens, place) for place in range(len(tokens))]
    _grow(parts, strays)
    _fill_inside(tokens, parts, strays)
    _grow(parts, strays)
    _mark_title(tokens, parts)
    joined: list[Token] = []
    for is_part, group in groupby(zip(parts, tokens, strict=True), key=lambda pair: pair[0]):
        members = [token for _, token in group]
        if is_part:
            text = "".join([token.text for token in members])
            joined.append(Token(text, members[0].start, None, True))
        else:
            joined += members
    return joined


def _is_word_letter(text: str) -> bool:
    """Whether an unknown letter is part of a word: hiragana is an ending, Latin is no word here."""
    return not narrowed(text).isascii() and not is_hiragana(text)


def _is_content_letter(token: Token) -> bool:
    """A word of one letter may be part of an unknown word: a goose of the word for penguin."""
    is_word = token.entry is not None and token.kind not in GRAMMAR
    return is_word and len(token.text) == 1 and not is_hiragana(token.text)


def _has_neighbour(parts: Sequence[bool], place: int) -> bool:
    return (place > 0 and parts[place - 1]) or parts[place + 1 : place + 2] == [True]


def _is_han(text: str) -> bool:
    return "\u3400" <= text[0] <= "\u9fff" or text[0] >= "\U00020000"


def _is_stray(tokens: Sequence[Token], place: int) -> bool:
    """Whether a letter of grammar stands where it cannot be grammar."""
    token = tokens[place]
    before = tokens[place - 1] if place else None
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    if is_latin(token) and narrowed(token.text).isdigit():
        return True  # a number with its noun has an entry
    if len(token.text) != 1 or not _is_han(token.text):
        return False
    if token.kind is WordKind.NUMBER:
        return after is None or after.kind not in COUNTED
    if token.kind is WordKind.MEASURE:
        return before is None or not (
            before.kind is WordKind.NUMBER or before.text[-1] in _DETERMINERS
        )
    if token.kind is WordKind.NOT:
        return len(tokens) > 1
    return before is None and token.text in _ENDINGS and token.kind in GRAMMAR


def _grow(parts: list[bool], strays: Sequence[bool]) -> None:
    """Join stray letters beside an unknown part, in both directions."""
    places = range(len(parts))
    for step, order in ((-1, places), (1, reversed(places))):
        for place in order:
            if strays[place] and 0 <= place + step < len(parts) and parts[place + step]:
                parts[place] = True


def _fill_inside(tokens: Sequence[Token], parts: list[bool], strays: Sequence[bool]) -> None:
    """Join grammar between two parts of one word."""
    for place in range(1, len(tokens) - 1):
        kind, sides = tokens[place].kind, (place - 1, place + 1)
        if kind is WordKind.OF and all(parts[side] for side in sides):
            parts[place] = True
        elif kind is WordKind.AND and any(parts[side] for side in sides):
            # A thousand and a thousand: a name, not two words
            is_whole = all(parts[side] or strays[side] for side in sides)
            if is_whole and any(len(tokens[side].text) == 1 for side in sides):
                parts[place - 1 : place + 2] = [True] * 3


def _mark_title(tokens: Sequence[Token], parts: list[bool]) -> None:
    """A single unknown letter and one word are a name together.

    So is a letter for a place before a word, where nothing is before it: Shanghai Beach.
    """
    if len(tokens) < 2 or not any(_is_han(token.text) for token in tokens):
        return
    *head, last = tokens
    if last.kind not in _NAMED or len(last.text) == 1 or parts[-1]:
        return
    is_place = len(head) == 1 and head[0].text in _PLACES and head[0].kind is WordKind.SKIP
    unknown = [token for token in head if token.entry is None]
    if is_place or (all(parts[:-1]) and len(unknown) == 1 and len(unknown[0].text) == 1):
        parts[:] = [True] * len(parts)


def _mark_kana_word(tokens: Sequence[Token], parts: list[bool]) -> None:
    """Hiragana before the first known word are a word, without the particles at its end."""
    end = 0
    while end < len(tokens) and _is_kana_piece(tokens[end]):
        end += 1
    letters = sum(len(token.text) for token in tokens[:end])
    while end and tokens[end - 1].text in _PARTICLES and letters > 2:
        end -= 1
        letters -= 1
    head = tokens[:end]
    if letters < 2 or all(token.text in _PARTICLES for token in head):
        return
    if any(token.entry is None for token in head) or all(len(one.text) == 1 for one in head):
        parts[:end] = [True] * end


def _is_kana_piece(token: Token) -> bool:
    is_grammar = token.entry is None or token.kind in GRAMMAR
    return is_grammar and all(is_hiragana(letter) for letter in token.text)


def _mark_name(tokens: Sequence[Token], parts: list[bool]) -> None:
    """*Little* and a colour without a noun are a name: Xiaohong."""
    if len(tokens) < 2 or tokens[0].text not in _NAME_PREFIXES:
        return
    colour, after = tokens[1], tokens[2].kind if len(tokens) > 2 else None
    is_letter = colour.kind is WordKind.COLOUR and len(colour.text) == 1
    if is_letter and (after is None or (after in GRAMMAR and after is not WordKind.OF)):
        parts[:2] = [True, True]
