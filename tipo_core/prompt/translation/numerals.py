"""Numbers in a text: digits, and Chinese and Japanese numerals such as ``\u5341\u4e8c``.

After a number some nouns are measure words: ``\u4e94\u672c\u306e\u6728`` are five trees. Others
make a month or an hour, which has no tag: ``\u4e09\u6708`` is March and no three moons.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ..vocabulary.translations import Entry, WordKind
from .word_tokens import COUNTED, Token, is_latin, narrowed

_MOST_DIGITS = 2
_TEN = 10
_MOST_NUMERALS = 9  # longer numbers are only many
# Measure words that are nouns as well: book, feather, month; and those before a noun alone.
_MEASURES = frozenset("\u672c\u7fbd")
_MEASURES_BEFORE_NOUN = frozenset("\u811a\u8db3\u679d\u982d\u5934\u53e3")
# Month, day, year, hour, minute, second, age, colour, storey: the number counts no noun.
_TIMES = frozenset(
    "\u6708\u65e5\u5e74\u6642\u65f6\u70b9\u5206\u79d2\u6b73\u5c81\u8272\u968e\u5c42\u56de\u5ea6"
)
_MONTH, _MONTHS = "\u6708", 12
_OF = "\u306e"


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
    return _with_measures(joined)


def _with_measures(tokens: list[Token]) -> list[Token]:
    """Return the tokens with the measure words and times after numbers as such."""
    read = list(tokens)
    for place in range(1, len(read)):
        number, token = read[place - 1], read[place]
        if number.kind is not WordKind.NUMBER or number.entry is None:
            continue
        word = token.text.removesuffix(_OF)
        value = number.entry.tags[0]
        after = read[place + 1] if place + 1 < len(read) else None
        if word in _MEASURES or (word in _MEASURES_BEFORE_NOUN and _is_before_noun(token, after)):
            read[place] = token._replace(entry=Entry(WordKind.MEASURE, ()), is_unknown=False)
        elif word in _TIMES and (word != _MONTH or (value.isdigit() and int(value) <= _MONTHS)):
            skipped = Entry(WordKind.SKIP, ())
            read[place - 1] = number._replace(entry=skipped)
            read[place] = token._replace(entry=skipped, is_unknown=False)
    return read


def _is_before_noun(token: Token, after: Token | None) -> bool:
    """Whether a noun, or the particle of one, follows a word after a number."""
    if token.text.endswith(_OF):
        return True
    return after is not None and after.kind in (WordKind.OF, *COUNTED)


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
