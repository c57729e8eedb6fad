"""Numbers in a text: digits, and Chinese and Japanese numerals such as ``\u5341\u4e8c``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ..vocabulary.translations import Entry, WordKind
from .word_tokens import COUNTED, Token, is_latin, narrowed

_MOST_DIGITS = 2
_TEN = 10
_MOST_NUMERALS = 9  # longer numbers are only many


def with_numbers(tokens: Sequence[Token]) -> list[Token]:
    """Join Latin letters, digits and numerals; digits before a noun or measure word are a count."""
    joined: list[Token] = []
    for kind, group in groupby(tokens, key=_group_of):
        members = list(group)
        if kind and len(members) > 1:
            text = "".join([token.text for token in members])
            entry = None
            if kind == "numeral":
                value = _value([int(token.entry.tags[0]) for token in members if token.entry])
                entry = Entry(WordKind.NUMBER, (str(value),))
            members = [Token(text, members[0].start, entry)]
        joined += members
    for place, token in enumerate(joined[:-1]):
        if token.entry is not None or not is_latin(token):
            continue
        text = narrowed(token.text)
        if not (text.isdigit() and len(text) <= _MOST_DIGITS):
            continue
        after = joined[place + 1]
        if after.text.isspace() and place + 2 < len(joined):
            after = joined[place + 2]
        if after.kind in COUNTED:
            joined[place] = token._replace(entry=Entry(WordKind.NUMBER, (str(int(text)),)))
    return joined


def _group_of(token: Token) -> str:
    if is_latin(token):
        return "latin"
    is_number = token.kind is WordKind.NUMBER and token.entry is not None
    is_numeral = is_number and token.entry is not None and token.entry.tags[0].isdigit()
    return "numeral" if is_numeral and len(token.text) == 1 and token.text >= "\u4e00" else ""


def _value(numerals: Sequence[int]) -> int:
    """The value of numerals in order: 2, 10, 5 is 25; without a power of ten they are digits."""
    if len(numerals) > _MOST_NUMERALS:
        return 10**_MOST_NUMERALS
    if max(numerals) < _TEN:
        return int("".join(map(str, numerals)))
    total = part = 0
    digit = 0
    for numeral in numerals:
        if numeral < _TEN:
            digit = numeral
        elif numeral > _TEN and numeral >= part + digit > 0 and numeral > 1000:
            total, part, digit = (total + part + digit) * numeral, 0, 0
        else:
            part, digit = part + max(digit, 1) * numeral, 0
    return total + part + digit
