"""Names of characters in a text: full names, given names alone, names with their series.

`jinx` is a word and `jinx from arcane` a girl. The sex of full names is in `characters`. Given
names stand in `assets/slots/given.txt`, series and their titles in `assets/slots/series.txt`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from ..vocabulary.pairs import shipped_pairs
from ..vocabulary.tags import Category, category
from ..vocabulary.word_tables import Match, PhraseTable, entries, folded, sections, tokens
from .characters import Figure, figure_in_series, figure_of
from .person_table import BOY, GIRL, NO_PERSON, PERSON, STOPS, person_table
from .unknown_names import DETERMINERS

# Kinds of a match: names of girls, of boys, of persons of an unknown sex.
GIVEN = {"given girl": GIRL, "given boy": BOY, "given name": PERSON}
Named = tuple[str, bool]  # the kind, and whether it is a plural
_NAME_WORDS = 4
# Letters of a name that no series follows.
_LEAST_NAME = 5
# Words between a name and its series: `levi from attack on titan`, `makima (chainsaw man)`.
_BEFORE_SERIES = frozenset(("from", "(", ","))
_LONG_VOWELS = re.compile(r"o[ou]|uu")


def character_matches(words: Sequence[str], start: int, end: int) -> Iterator[Match[Named]]:
    """Yield the characters in `words[start:end]`, the longest name at each place."""
    place = start
    while place < end:
        match = _at(words, place, end)
        if match is not None:
            yield match
        place = place + 1 if match is None else match.end


def named_figure(name: str, series: Iterable[str] = ()) -> Figure | None:
    """Return what a character is, by a tag; a name of two words may stand in either order.

    `series` are the series that the prompt names, as they stand in brackets after a name.
    """
    figure = figure_of(name)
    base, bracket, rest = name.partition(" (")
    if figure is None and bracket and category(name) is not Category.ARTIST:
        own = series_of(tokens(rest.rstrip(")")))
        figure = _in_one_of(base, own) or figure_in_series(base)
    if figure is None and not bracket:
        figure = _in_one_of(name, series)
    if figure is None and name.count(" ") == 1:
        first, last = name.split(" ")
        if person_table().is_rare(last):
            figure = figure_of(f"{last} {first}")
    return figure


def series_of(words: Sequence[str]) -> tuple[str, ...]:
    """Return the series that `words` are the title of, as they stand in brackets after a name."""
    found = _series_titles().at(words, 0)
    return found.found if found is not None and found.end == len(words) else ()


def given_figure(word: str) -> Figure | None:
    """Return the sex of a given name that only characters of one sex have: `nezuko`."""
    return _given_names().get(word)


def places_in_titles(words: Sequence[str]) -> set[int]:
    """Return the places of the words of a series after a name: `tatsumaki from one punch man`."""
    found: set[int] = set()
    for place in range(1, len(words)):
        if words[place - 1] in ("from", "("):
            title = _series_titles().at(words, place)
            if title is not None:
                found.update(range(place, title.end))
    return found


def is_given_name(name: str) -> bool:
    """Return whether a tag is a name that means a person alone."""
    match = person_table().phrases.at(name.split(" "), 0)
    is_listed = match is not None and match.found[0] in GIVEN and match.end == name.count(" ") + 1
    return is_listed or given_figure(name) is not None


def _at(words: Sequence[str], place: int, end: int) -> Match[Named] | None:
    for length in range(min(_NAME_WORDS, end - place), 0, -1):
        part = words[place : place + length]
        if not STOPS.isdisjoint(part):
            continue
        figure = named_figure(" ".join(part)) if length > 1 else _figure_of_word(words, place)
        series = None
        if figure is None and place + length < len(words):
            is_joined = words[place + length] in _BEFORE_SERIES
            series = _series_titles().at(words, place + length + is_joined)
            figure = _in_one_of(" ".join(part), series.found) if series is not None else None
        if figure is not None:
            return _match(place, place + length, figure)
        if length == 1 and series is not None and words[place + 1] in ("from", "("):
            before = words[place - 1] if place else ""
            if _is_name_only(part[0], 3) and before not in DETERMINERS:
                return Match(place, place + 1, ("given name", False))
    return _after_series(words, place)


def _after_series(words: Sequence[str], place: int) -> Match[Named] | None:
    """Return the character after a title: `genshin impact lisa`."""
    series = _series_titles().at(words, place)
    for length in (2, 1) if series is not None else ():
        part = words[series.end : series.end + length] if series is not None else []
        if series is None or len(part) < length or not STOPS.isdisjoint(part):
            continue
        figure = _in_one_of(" ".join(part), series.found)
        if figure is not None:
            return _match(series.end, series.end + length, figure)
    return None


def _match(start: int, end: int, figure: Figure) -> Match[Named]:
    kind = NO_PERSON if figure is Figure.CREATURE else f"given {figure.value}"
    return Match(start, end, (kind, False))


def _figure_of_word(words: Sequence[str], place: int) -> Figure | None:
    """Return what a character of one rare word is."""
    word = words[place]
    if not person_table().is_rare(word):
        return None
    known = figure_of(word)
    if known is None:
        known = given_figure(word)
        before = words[place - 1] if place else ""
        is_family_name = person_table().is_rare(before) and given_figure(before) is None
        if known is not None and (is_family_name or is_artist(words, place, place + 1)):
            return None  # an unknown name: `akehiko inoue`
    if known is not None or not _is_name_only(word):
        return known
    return figure_in_series(word)


def is_artist(words: Sequence[str], start: int, end: int) -> bool:
    """Return whether a given name is a part of an artist's name: `akihiko inoue`."""
    pairs = (words[start - 1 : end] if start else (), words[start : end + 1])
    return any(
        len(pair) > end - start
        and STOPS.isdisjoint(pair)
        and category(" ".join(pair)) is Category.ARTIST
        for pair in pairs
    )


def _is_name_only(word: str, least: int = _LEAST_NAME) -> bool:
    """Return whether a word of some length is neither an ordinary word nor a tag."""
    is_rare = len(word) >= least and person_table().is_rare(word)
    return is_rare and shipped_pairs().entry(word) is None


def _in_one_of(name: str, series: Iterable[str]) -> Figure | None:
    for one in series:
        figure = figure_of(f"{name} ({one})")
        if figure is not None:
            return figure
    return None


@cache
def _series_titles() -> PhraseTable[tuple[str, ...]]:
    """Return titles of series, in the words of a text, with their names in brackets."""
    titles: dict[str, tuple[str, ...]] = {}
    for _, lines in sections("series.txt"):
        for entry in entries(lines):
            title, is_other, names = entry.partition(" = ")
            found = tuple(names.split(" / ")) if is_other else (title,)
            words = tokens(title)
            plain = [word for word in words if word not in STOPS]
            titles.setdefault(" ".join(words), found)
            titles.setdefault(" ".join(plain), found)
    return PhraseTable(titles)


@cache
def _given_names() -> dict[str, Figure]:
    """Return the sex of given names, also with short vowels: `tanjiro` for `tanjirou`."""
    found: dict[str, Figure] = {}
    shortened: dict[str, Figure] = {}
    for sex, lines in sections("given.txt"):
        for name in map(folded, entries(lines)):
            found[name] = Figure(sex)
            short = _LONG_VOWELS.sub(lambda match: match[0][0], name)
            if short != name and len(short) >= _LEAST_NAME - 1:
                shortened[short] = Figure(sex)
    return shortened | found
