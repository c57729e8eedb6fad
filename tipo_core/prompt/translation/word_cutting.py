"""Cuts text without blanks into the words of the dictionary, in linear time.

Of all ways to cut a text the one with the lowest cost is taken (Viterbi): a word costs less than
two words in its place, and much less than letters that the dictionary does not know. Of equal ways
the one whose first word is longest is taken.
"""

from __future__ import annotations

import re
from itertools import groupby
from types import MappingProxyType
from typing import NamedTuple

from ..vocabulary.translations import Dictionary, Entry, WordKind, russian_stem

HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_KANA = "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff"
_HANGUL = "\uac00-\ud7a3"
_CYRILLIC = "\u0400-\u04ff"
# Latin letters and digits, also as wide as a Chinese character.
_LATIN = "0-9A-Za-z\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
_LETTER = f"{HAN}{_KANA}{_HANGUL}{_CYRILLIC}"
IS_FOREIGN = re.compile(f"[{_LETTER}]")
_IS_JAPANESE = re.compile(f"[{_KANA}]")
_IS_KOREAN = re.compile(f"[{_HANGUL}]")
_IS_RUSSIAN = re.compile(f"[{_CYRILLIC}]")
# Letters, and what may stand between and after them: digits, Latin letters (``Tシャツ``), blanks.
_RUN = re.compile(rf"[{_LETTER}](?:[{_LETTER}]|[{_LATIN} \t\u00b7\u30fb]{{1,4}}(?=[{_LETTER}]))*")
# Latin letters and digits directly before a run, as in ``JK制服`` and ``2人``.
_BEFORE_RUN = re.compile(rf"(?<![{_LATIN}_])[{_LATIN}]{{1,3}}\Z")
_RUSSIAN_WORD = re.compile(f"[{_CYRILLIC}]+")
_MOST_RUSSIAN_WORDS = 3
_NARROW = MappingProxyType({code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)})
_BLANKS = frozenset(" \t")
# Costs of a word of the dictionary, of a shorter one, of a word of grammar, and of each letter
# that is in no word. Unknown hiragana is mostly an ending.
_WORD_COST, _LETTER_COST, _GRAMMAR_COST = 4, 6, 3
_UNKNOWN_COST, _HIRAGANA_COST, _LATIN_COST = 10, 5, 2
_GRAMMAR = frozenset(
    (
        *(WordKind.SKIP, WordKind.OF, WordKind.COPULA, WordKind.NUMBER, WordKind.MEASURE),
        *(WordKind.PLURAL, WordKind.AND),
    )
)

_COUNTED = frozenset(
    (
        *(WordKind.MEASURE, WordKind.THING, WordKind.GIRL, WordKind.BOY, WordKind.PERSON),
        *(WordKind.COLOUR, WordKind.ADJECTIVE),
    )
)


class Token(NamedTuple):
    """A word of the dictionary in a text, or text between two of them (`entry` None).

    `start` and `end` are offsets. `is_unknown` says that the text is a word that the dictionary
    lacks; other texts without an entry are blanks, Latin letters and endings.
    """

    text: str
    start: int
    entry: Entry | None = None
    is_unknown: bool = False

    @property
    def end(self) -> int:
        """Offset after the last character."""
        return self.start + len(self.text)

    @property
    def kind(self) -> WordKind | None:
        """The kind of the word, None for text between words."""
        return self.entry.kind if self.entry else None


def is_japanese(text: str) -> bool:
    """Whether the text has kana: then words that two languages share are Japanese."""
    return _IS_JAPANESE.search(text) is not None


def is_korean(text: str) -> bool:
    """Whether the text has Hangul."""
    return _IS_KOREAN.search(text) is not None


def find_runs(text: str) -> list[tuple[int, int]]:
    """Return the ranges of `text` that are written in one of the languages."""
    runs = []
    for match in _RUN.finditer(text):
        start, end = match.span()
        before = _BEFORE_RUN.search(text, max(0, start - 4), start)
        runs.append((before.start() if before else start, end))
    return runs


def cut_words(text: str, start: int, end: int, words: Dictionary, japanese: bool) -> list[Token]:
    """Return the tokens of ``text[start:end]``, one of `find_runs`; they tile it."""
    run = text[start:end]
    if _IS_RUSSIAN.search(run):
        return _cut_russian(run, start, words)
    return _with_whole_unknowns(_cheapest(run, start, words, japanese))


def _cheapest(run: str, start: int, words: Dictionary, japanese: bool) -> list[Token]:
    lower = run.lower().translate(_NARROW)
    folded = lower.translate(words.folding)
    if japanese:
        words_first, words_second = words.japanese_first, words.chinese_first
        texts_first, texts_second = lower, folded
    else:
        words_first = words_second = words.chinese_first
        texts_first, texts_second = folded, lower
    size = len(run)
    costs = [0] * (size + 1)
    # The length of the token at each place, and its entry.
    best: list[tuple[int, Entry | None]] = [(1, None)] * size
    for place in range(size - 1, -1, -1):
        letter = lower[place]
        lowest = costs[place + 1] + _unknown_cost(letter)
        chosen: tuple[int, Entry | None] = (1, None)
        for length in _lengths(words, lower[place], folded[place]):
            if place + length > size:
                continue
            span = slice(place, place + length)
            entry = words_first.get(texts_first[span]) or words_second.get(texts_second[span])
            if entry is None:
                continue
            cost = costs[place + length] + _cost(entry, length)
            if cost < lowest:
                lowest, chosen = cost, (length, entry)
        costs[place], best[place] = lowest, chosen
    tokens = []
    place = 0
    while place < size:
        length, entry = best[place]
        tokens.append(Token(run[place : place + length], start + place, entry))
        place += length
    return tokens


def _lengths(words: Dictionary, letter: str, folded: str) -> tuple[int, ...]:
    """The lengths of words that begin with a letter or with its simplified form, longest first."""
    lengths = words.lengths.get(letter, ())
    if folded == letter:
        return lengths
    return tuple(sorted({*lengths, *words.lengths.get(folded, ())}, reverse=True))


def _cost(entry: Entry, length: int) -> int:
    if entry.kind in _GRAMMAR:
        return _GRAMMAR_COST
    return _WORD_COST if length > 1 else _LETTER_COST


def _unknown_cost(letter: str) -> int:
    if letter in _BLANKS:
        return 0
    if letter.isascii():
        return _LATIN_COST
    return _HIRAGANA_COST if "\u3041" <= letter <= "\u309f" else _UNKNOWN_COST


def _with_whole_unknowns(tokens: list[Token]) -> list[Token]:
    """Join letters that are in no word to unknown words.

    A word of one letter beside an unknown one is part of it: ``\u9e45`` (goose) of the word for
    penguin, if the dictionary lacked that.
    """
    tokens = _with_numbers(tokens)
    unknown = [token.entry is None and _is_word_letter(token.text) for token in tokens]
    parts = [
        is_unknown
        or (
            len(token.text) == 1
            and token.entry is not None
            and token.kind not in _GRAMMAR
            and not _is_kana(token.text)
            and ((place > 0 and unknown[place - 1]) or unknown[place + 1 : place + 2] == [True])
        )
        for place, (token, is_unknown) in enumerate(zip(tokens, unknown, strict=True))
    ]
    joined: list[Token] = []
    for is_part, group in groupby(zip(parts, tokens, strict=True), key=lambda pair: pair[0]):
        members = [token for _, token in group]
        if is_part:
            text = "".join([token.text for token in members])
            joined.append(Token(text, members[0].start, None, True))
        else:
            joined += members
    return joined


def _with_numbers(tokens: list[Token]) -> list[Token]:
    """Join Latin letters and digits; a number before a noun or a measure word is a count."""
    joined: list[Token] = []
    for is_latin, group in groupby(tokens, key=_is_latin):
        members = list(group)
        if is_latin:
            text = "".join([token.text for token in members])
            members = [Token(text, members[0].start)]
        joined += members
    for place, token in enumerate(joined[:-1]):
        is_number = _is_latin(token) and token.text.isdigit() and len(token.text) <= 2
        if is_number and joined[place + 1].kind in _COUNTED:
            joined[place] = token._replace(entry=Entry(WordKind.NUMBER, (token.text,)))
    return joined


def _is_latin(token: Token) -> bool:
    text = token.text.translate(_NARROW)
    return token.entry is None and text.isascii() and not text.isspace()


def _is_word_letter(text: str) -> bool:
    """Whether an unknown letter is part of a word: hiragana is an ending, Latin is no word here."""
    if text.translate(_NARROW).isascii():
        return False
    return not _is_kana(text) or "\u30a1" <= text <= "\u30fe"


def _is_kana(text: str) -> bool:
    return "\u3041" <= text[0] <= "\u309f"


def _cut_russian(run: str, start: int, words: Dictionary) -> list[Token]:
    """Take the longest phrase at each word; words are compared by their stems."""
    matches = list(_RUSSIAN_WORD.finditer(run))
    stems = [russian_stem(match.group()) for match in matches]
    tokens: list[Token] = []
    place = 0
    while place < len(matches):
        for length in range(min(_MOST_RUSSIAN_WORDS, len(matches) - place), 0, -1):
            entry = words.russian.get(" ".join(stems[place : place + length]))
            if entry is not None or length == 1:
                begin, end = matches[place].start(), matches[place + length - 1].end()
                tokens.append(Token(run[begin:end], start + begin, entry, entry is None))
                place += length
                break
    return tokens
