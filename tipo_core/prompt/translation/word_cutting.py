"""Cuts text without blanks into the words of the dictionary, in linear time.

Of all ways to cut a text the one with the lowest cost is taken (Viterbi): a word costs less than
two words in its place, and much less than letters that the dictionary does not know. Of equal ways
the one whose first word is longest is taken.
"""

from __future__ import annotations

import re
import unicodedata

from ..vocabulary.translations import Dictionary, Entry, WordKind, russian_stem
from .numerals import with_numbers
from .unknown_words import join_unknown
from .word_tokens import GRAMMAR, Token, narrowed

HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003347f"
_HALF_KANA = "\uff66-\uff9f"
_KANA = f"\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff{_HALF_KANA}"
_HANGUL = "\uac00-\ud7a3"
_CYRILLIC = "\u0400-\u04ff"
# Latin letters and digits, also as wide as a Chinese character.
_LATIN = "0-9A-Za-z\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
_LETTER = f"{HAN}{_KANA}{_HANGUL}{_CYRILLIC}"
_WIDE = "\uff21-\uff3a\uff41-\uff5a"
IS_FOREIGN = re.compile(f"[{_LETTER}{_WIDE}]")
_HALF_LETTER = re.compile(f"[{_HALF_KANA}][\uff9e\uff9f]?")
_IS_JAPANESE = re.compile(f"[{_KANA}]")
_IS_KOREAN = re.compile(f"[{_HANGUL}]")
_IS_RUSSIAN = re.compile(f"[{_CYRILLIC}]")
# Letters, and what may stand between and after them: digits, Latin letters (``Tシャツ``), blanks.
# Wide Latin letters are a run of their own.
_RUN = re.compile(
    rf"[{_LETTER}](?:[{_LETTER}]|[{_LATIN} \t\u00b7\u30fb]{{1,4}}(?=[{_LETTER}]))*"
    rf"|[{_WIDE}][{_WIDE}\uff10-\uff19]*"
)
# Latin letters and digits directly before a run, as in ``JK制服`` and ``2人``.
# So is a number and a blank.
_BEFORE_RUN = re.compile(rf"(?<![{_LATIN}_.:])(?:[{_LATIN}]{{1,3}}|[0-9]{{1,2}} )\Z")
# A number directly after a run may belong to its last word.
_AFTER_RUN = re.compile(r"[0-9]{1,4}(?![\w.:%])")
_RUSSIAN_WORD = re.compile(f"[{_CYRILLIC}]+|[0-9]{{1,2}}(?= )")
_MOST_RUSSIAN_WORDS = 3
# Endings of the plural, and those that the genitive singular has too.
_RUSSIAN_PLURAL = re.compile(
    r"(?:[\u0430\u044f](?:\u043c\u0438?|\u0445)|[\u043e\u0435]\u0432|\u0435\u043a)\Z", re.IGNORECASE
)
_RUSSIAN_PLURAL_OR_GENITIVE = re.compile(r"[\u0438\u044b]\Z", re.IGNORECASE)
# Prepositions of the genitive: at, from, without, for, of, with, near, until; there is no.
_BEFORE_GENITIVE = frozenset(
    (
        "\u0443 \u043e\u0442 \u0431\u0435\u0437 \u0434\u043b\u044f \u0438\u0437 "
        "\u0441 \u043e\u043a\u043e\u043b\u043e \u0434\u043e \u043d\u0435\u0442"
    ).split()
)
_PERSONS = frozenset((WordKind.GIRL, WordKind.BOY, WordKind.PERSON))
_BLANKS = frozenset(" \t")
# Costs of a word of the dictionary, of a shorter one, of a word of grammar, and of each letter
# that is in no word. Unknown hiragana is mostly an ending.
_WORD_COST, _LETTER_COST, _GRAMMAR_COST = 4, 6, 3
_UNKNOWN_COST, _HIRAGANA_COST, _LATIN_COST = 10, 5, 2


def is_japanese(text: str) -> bool:
    """Whether the text has kana: then words that two languages share are Japanese."""
    return _IS_JAPANESE.search(text) is not None


def is_korean(text: str) -> bool:
    """Whether the text has Hangul."""
    return _IS_KOREAN.search(text) is not None


def find_runs(text: str) -> list[tuple[int, int]]:
    """Return the ranges of `text` that are written in one of the languages."""
    runs: list[tuple[int, int]] = []
    for match in _RUN.finditer(text):
        start, end = match.span()
        if runs and start < runs[-1][1]:
            continue
        before = _BEFORE_RUN.search(text, max(0, start - 4), start)
        after = _AFTER_RUN.match(text, end)
        first = before.start() if before else start
        if runs:
            first = max(first, runs[-1][1])
        runs.append((first, after.end() if after else end))
    return runs


def cut_words(text: str, start: int, end: int, words: Dictionary, japanese: bool) -> list[Token]:
    """Return the tokens of ``text[start:end]``, one of `find_runs`; they tile it."""
    run = text[start:end]
    if _IS_RUSSIAN.search(run):
        return _cut_russian(run, start, words)
    letters, places = _full_width(run)
    tokens = _cheapest(letters, 0, words, japanese)
    if not japanese and all(token.kind is WordKind.MEASURE for token in tokens):
        tokens = _cheapest(letters, 0, words, japanese=True)
    cut = join_unknown(with_numbers(tokens))
    return [
        token._replace(
            text=run[places[token.start] : places[token.end]], start=start + places[token.start]
        )
        for token in cut
    ]


def _full_width(run: str) -> tuple[str, list[int]]:
    """Return the run with kana of full width, and the offset of each letter and of the end."""
    if _HALF_LETTER.search(run) is None:
        return run, list(range(len(run) + 1))
    letters: list[str] = []
    places: list[int] = []
    position = 0
    while position < len(run):
        match = _HALF_LETTER.match(run, position)
        end = match.end() if match else position + 1
        for letter in unicodedata.normalize("NFKC", run[position:end]) if match else run[position]:
            letters.append(letter)
            places.append(position)
        position = end
    return "".join(letters), [*places, len(run)]


def _cheapest(run: str, start: int, words: Dictionary, japanese: bool) -> list[Token]:
    lower = narrowed(run.lower())
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
    if entry.kind in GRAMMAR:
        return _GRAMMAR_COST
    return _WORD_COST if length > 1 else _LETTER_COST


def _unknown_cost(letter: str) -> int:
    if letter in _BLANKS:
        return 0
    if letter.isascii():
        return _LATIN_COST
    return _HIRAGANA_COST if "\u3041" <= letter <= "\u309f" else _UNKNOWN_COST


def _cut_russian(run: str, start: int, words: Dictionary) -> list[Token]:
    """Take the longest phrase at each word; words are compared by their stems."""
    matches = list(_RUSSIAN_WORD.finditer(run))
    stems = [russian_stem(match.group()) for match in matches]
    tokens: list[Token] = []
    place = 0
    while place < len(matches):
        if matches[place].group().isdigit():
            number, begin = matches[place].group(), matches[place].start()
            tokens.append(Token(number, start + begin, Entry(WordKind.NUMBER, (number,))))
            place += 1
            continue
        for length in range(min(_MOST_RUSSIAN_WORDS, len(matches) - place), 0, -1):
            entry = words.russian.get(" ".join(stems[place : place + length]))
            if entry is not None or length == 1:
                begin, end = matches[place].start(), matches[place + length - 1].end()
                word = Token(run[begin:end], start + begin, entry, entry is None)
                is_plural = word.kind in _PERSONS and _is_russian_plural(tokens, word.text)
                tokens.append(word)
                if is_plural:
                    tokens.append(Token("", start + end, Entry(WordKind.PLURAL, ())))
                place += length
                break
    return tokens


def _is_russian_plural(before: list[Token], word: str) -> bool:
    """Whether a noun is in the plural; after a noun or a preposition it may be in the genitive."""
    if _RUSSIAN_PLURAL.search(word):
        return True
    if _RUSSIAN_PLURAL_OR_GENITIVE.search(word) is None:
        return False
    if not before:
        return True
    last = before[-1]
    is_noun = last.kind is WordKind.THING or last.kind in _PERSONS or last.is_unknown
    return not is_noun and last.text.lower() not in _BEFORE_GENITIVE
