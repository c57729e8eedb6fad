"""The persons that one text mentions: nouns with their numbers, names of characters, pronouns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from ..vocabulary.kinds import CREATURE, animal_kind, kind_of
from ..vocabulary.pairs import shipped_pairs
from ..vocabulary.style_phrases import content_words
from ..vocabulary.tags import Category, category
from ..vocabulary.word_tables import Match, tokens
from .characters import Figure, figure_in_series, figure_of
from .denied_words import denied_spans, with_plain_denials
from .person_table import (
    BOY,
    COUNTED,
    COUPLE,
    FAMILY,
    GIRL,
    MOSTLY_MEN,
    NO_PERSON,
    NOT_PERSONS,
    PAIRS,
    PEOPLE,
    PERHAPS,
    PERHAPS_ALONE,
    PERSON,
    PORTRAIT,
    STOPS,
    WITH_ARTICLE,
    PersonTable,
    person_table,
)
from .unknown_names import DETERMINERS, NOT_ADJECTIVES, has_unknown_name, is_credit, is_foreign

# Words between a number and its noun (`two very old men`), between `and` and a second person.
_NUMBER_REACH = 4
_AND_REACH = 7
_NAME_WORDS = 4
_GIVEN = {"given girl": GIRL, "given boy": BOY}
# Words that are adjectives as well: `human skull`, `male lion`, `baby red panda`.
_ALSO_ADJECTIVES = frozenset(
    ("human", "male", "female", "baby", "adult", "mother", "father", "teen")
)
# Nouns after `a woman's` that show the woman.
_SHOWN_PARTS = frozenset("head face body portrait silhouette figure self profile selfie".split())
_SHOWN_KINDS = frozenset(("hair", "body", "face", CREATURE))
# What a name before it describes: `Loki horns`.
_LENT_KINDS = frozenset(("wear", "hair", "body", CREATURE))
_PORTRAIT_WORDS = frozenset("painting photo photograph photography picture drawing shot".split())
# `woman/man`, `men & women`
_JOINED = re.compile(r"(?<=\w)\s*[/|&+]\s*(?=\w)")
# Words that say a sex outright: `samurai woman` is a woman.
_SEX_WORDS = frozenset(
    """woman women girl girls lady ladies female females man men boy boys guy guys gentleman
    gentlemen male males""".split()
)
_OLD = frozenset("old elderly aged ancient older grandmother grandfather granny grandpa".split())
_YOUNG = frozenset("young little small younger teenage child toddler baby".split())
# After a trade that begins a phrase: `boxer in the ring`, `space pilot, cockpit`.
_AFTER_SUBJECT = frozenset(
    "in at on with from by of under over near behind beside holding wearing and is who".split()
)
# Things that a full name before them describes: `peter pan bus`.
_NAMED_THINGS = frozenset("bus car train boat ship truck plane stamp cake cookies balloon".split())
# Letters of a name that its series does not follow.
_LEAST_NAME = 5
# Series after `from`: `jinx from arcane`.
_WELL_KNOWN = ("arcane", "league", "genshin", "overwatch", "valorant", "naruto", "bleach")
_SHE = frozenset(("she", "her", "hers", "herself"))
_HE = frozenset(("he", "him", "his", "himself"))


@dataclass(frozen=True)
class Mention:
    """One naming of persons: `kind` is a sex, `person`, `couple` or `family`."""

    kind: str
    low: int
    high: int | None
    start: int
    end: int
    is_definite: bool = False
    leans_boy: bool = False
    is_plural: bool = False
    is_name: bool = False
    is_exact: bool = False  # a whole tag with a number or an article: `a girl`
    age: str = ""  # `old` or `young` where the words say it


@dataclass(frozen=True)
class Found:
    """What a text says of persons."""

    mentions: tuple[Mention, ...] = ()
    is_perhaps: bool = False
    has_animal: bool = False
    is_about: bool = False  # some word names a subject
    is_thing: bool = False  # a phrase such as `queen bee`
    is_named: bool = False  # all mentions are names
    is_strange: bool = False  # an unknown name, or another language
    is_portrait: bool = False  # a word such as `portrait`, of nothing that is no person


def read_persons(text: str, *, is_tag: bool) -> Found:
    table = person_table()
    typed = tokens(with_plain_denials(_JOINED.sub(" and ", text)))
    words = content_words(typed)  # as long as `typed`
    denied = {place for start, end in denied_spans(words) for place in range(start, end)}
    mentions: list[Mention] = []
    is_perhaps = is_perhaps_alone = is_about = False
    is_thing = is_animals = is_portrait = False
    skipped_until = -1  # the person of `statue of a man`
    has_animal = any(_animals(words))
    for match in _matches(words, table):
        kind, is_plural = match.found
        if (kind in _GIVEN or kind == NO_PERSON) and is_credit(typed, match.start):
            continue
        if match.start in denied or _is_denied(words, match.start):
            is_about = True
            continue
        if kind in _GIVEN and _is_animals_name(words, match.start):
            is_about = is_animals = True
            continue
        if is_animals and (kind in COUNTED or kind in _GIVEN):
            continue  # `the cat Otto, Duke of Lauenburg`
        if match.start < skipped_until:
            is_about = is_thing = True
            continue
        if kind in (NOT_PERSONS, NO_PERSON):
            is_about = is_thing = True
            has_animal |= kind == NO_PERSON
        elif kind == "made things":
            is_about = True
            if words[match.end : match.end + 1] == ["of"]:
                skipped_until = match.end + 5
        elif kind == PERHAPS:
            is_perhaps = is_about = True
        elif kind in (PERHAPS_ALONE, PORTRAIT):
            is_perhaps_alone = is_about = True
            is_portrait |= kind == PORTRAIT and _shows_person(typed, match.end)
        elif not _is_compound(words, match, kind):
            mention = _mention(words, match, kind, is_plural, is_tag)
            if mention is not None:
                _join(mentions, mention, words)
    is_about |= bool(mentions) or any(
        word not in table.says_nothing and word not in STOPS for word in _content(typed, table)
    )
    if not mentions and not has_animal and not (is_tag and len(words) < 3):
        pronouns = set(words)
        for sex, forms in ((GIRL, _SHE), (BOY, _HE)):
            if pronouns & forms:
                mentions.append(Mention(sex, 1, 1, 0, 1))
    if len(mentions) == 1 and mentions[0].kind == PERSON and mentions[0].high == 1:
        said = [sex for sex, forms in ((GIRL, _SHE), (BOY, _HE)) if not forms.isdisjoint(words)]
        if len(said) == 1:
            mentions[0] = replace(mentions[0], kind=said[0])  # `a nurse, she rests`
    is_strange = False
    if not mentions and not has_animal:
        is_perhaps |= is_perhaps_alone
        is_strange = is_foreign(typed) or (len(typed) > 2 and has_unknown_name(text))
    is_named = bool(mentions) and all(one.is_name for one in mentions)
    return Found(
        tuple(mentions),
        is_perhaps,
        has_animal,
        is_about,
        is_thing,
        is_named,
        is_strange,
        is_portrait,
    )


def _matches(words: Sequence[str], table: PersonTable) -> Iterator[Match[tuple[str, bool]]]:
    """Yield the phrases of the table and the known characters, in their order."""
    end = 0
    for match in table.phrases.matches(words):
        yield from _characters(words, end, match.start)
        yield match
        end = match.end
    yield from _characters(words, end, len(words))


def _characters(words: Sequence[str], start: int, end: int) -> Iterator[Match[tuple[str, bool]]]:
    place = start
    while place < end:
        step = 1
        for length in range(min(_NAME_WORDS, end - place), 1, -1):
            if STOPS.isdisjoint(words[place : place + length]):
                figure = named_figure(" ".join(words[place : place + length]))
                if figure is not None:
                    kind = NO_PERSON if figure is Figure.CREATURE else f"given {figure.value}"
                    yield Match(place, place + length, (kind, False))
                    step = length
                    break
        else:
            figure = _figure_of_word(words, place)
            if figure is not None:
                kind = NO_PERSON if figure is Figure.CREATURE else f"given {figure.value}"
                yield Match(place, place + 1, (kind, False))
        place += step


def _figure_of_word(words: Sequence[str], place: int) -> Figure | None:
    """Return what a character of one word is: a rare word, or any word before `from` a series."""
    word = words[place]
    if person_table().is_rare(word):
        is_name = len(word) >= _LEAST_NAME and shipped_pairs().entry(word) is None
        return figure_of(word) or (figure_in_series(word) if is_name else None)
    series = " ".join(words[place + 2 : place + 4])
    is_of_series = words[place + 1 : place + 2] == ["from"] and series.startswith(_WELL_KNOWN)
    return figure_in_series(word) if is_of_series else None


def named_figure(name: str) -> Figure | None:
    """Return what a character is; a name of two words may stand in either order."""
    figure = figure_of(name)
    base, bracket, _ = name.partition(" (")
    if figure is None and bracket and category(name) is not Category.ARTIST:
        figure = figure_in_series(base)
    if figure is None and name.count(" ") == 1:
        first, last = name.split(" ")
        if person_table().is_rare(last):
            figure = figure_of(f"{last} {first}")
    return figure


def _mention(
    words: Sequence[str],
    match: Match[tuple[str, bool]],
    kind: str,
    is_plural: bool,
    is_tag: bool,
) -> Mention | None:
    """Return the persons of one noun with its number, None for a noun that needs an article."""
    before = list(words[max(0, match.start - _NUMBER_REACH - 2) : match.start])
    is_definite = bool(before) and before[-1] in ("the", "this", "that")
    if kind in _GIVEN:
        return Mention(_GIVEN[kind], 1, 1, match.start, match.end, is_name=True)
    if kind in (FAMILY, COUPLE):
        return Mention(kind, 2, None, match.start, match.end, is_definite, is_plural=True)
    number = _number(before)
    is_exact = is_tag and match.end == len(words) and match.start == len(before) < 3
    is_exact = is_exact and (number is not None or before[:1] in (["a"], ["an"]))
    if kind in PAIRS:
        sex = PAIRS[kind]
        return Mention(sex, 2, 2, match.start, match.end, is_definite, is_plural=True)
    if kind == WITH_ARTICLE:
        is_alone = is_tag and match.start == 0 and match.end == len(words)
        near = [word for word in before if word not in person_table().adjectives]
        has_article = bool(near) and near[-1] in DETERMINERS
        if not (has_article or is_alone or number is not None):
            is_compound = bool(before) and person_table().is_trade(words[match.end - 1])
            is_compound = is_compound and before[-1].isalpha() and before[-1] not in NOT_ADJECTIVES
            if not (is_compound or _begins_phrase(words, match)):
                return None
    sex = kind if kind in (GIRL, BOY) else PERSON
    if kind == PEOPLE or is_plural:
        low, high = (2, None) if not number or number == 1 else (number, number)
    else:
        # `five samurai`: a plural in the form of the singular.
        low = high = max(1, number or 1)
    return Mention(
        sex,
        low,
        high,
        match.start,
        match.end,
        is_definite,
        kind == MOSTLY_MEN,
        high != 1,
        is_exact=is_exact and high is not None,
        age=_age([*before[-3:], *words[match.start : match.end]]),
    )


def _age(words: Sequence[str]) -> str:
    """Return `old` or `young` if the words of a noun phrase say it."""
    said = set(words)
    return "old" if said & _OLD else "young" if said & _YOUNG else ""


def _begins_phrase(words: Sequence[str], match: Match[tuple[str, bool]]) -> bool:
    """Return whether a trade begins a phrase and is its subject: `boxer in the ring`."""
    if match.start and words[match.start - 1] not in STOPS:
        return False
    if match.end >= len(words):
        return match.start == 0
    after = words[match.end]
    return after in _AFTER_SUBJECT or (after.endswith("ing") and animal_kind(after) is None)


def _join(mentions: list[Mention], new: Mention, words: Sequence[str]) -> None:
    """Add a mention, unless it names the persons of an earlier one again."""
    last = mentions[-1] if mentions else None
    if last is not None:
        between = words[last.end : new.start]
        if len(between) <= 1 and not set(between) & (STOPS | NOT_ADJECTIVES):
            # `female knight`, `boy king`, `samurai woman`: one noun phrase.
            is_outright = new.kind in (GIRL, BOY) and words[new.end - 1] in _SEX_WORDS
            is_outright = is_outright and words[last.end - 1] not in _SEX_WORDS
            sex = last.kind if last.kind in (GIRL, BOY) and not is_outright else new.kind
            low, high = (new.low, new.high) if new.is_plural else (last.low, last.high)
            mentions[-1] = replace(last, kind=sex, end=new.end, low=low, high=high)
            return
        is_joined = len(between) <= _AND_REACH and bool({"and", "&", "another"} & set(between))
        if is_joined and not new.is_definite and "." not in between:
            mentions.append(new)
            return
    for place, old in enumerate(mentions):
        if old.kind == new.kind:
            if new.low > old.low:
                mentions[place] = new
            return
        if new.kind == PERSON and old.kind in (GIRL, BOY, COUPLE, FAMILY):
            return  # `a woman ..., the singer ...`
        if old.kind == PERSON and new.kind in (GIRL, BOY) and old.low == new.low == 1:
            mentions[place] = new
            return
    mentions.append(new)


def _number(before: Sequence[str]) -> int | None:
    """Return the number before a noun, 0 for several, None if there is none."""
    numbers = person_table().numbers
    for back in range(1, min(len(before), _NUMBER_REACH) + 1):
        word = before[-back]
        if word == "of" and back < len(before):
            return numbers.get(f"{before[-back - 1]} of")
        if word in numbers:
            return numbers[word]
        if word.isdigit() and len(word) < 4:
            return int(word)
        if word in STOPS or word in NOT_ADJECTIVES:
            return None
    return None


def _is_compound(words: Sequence[str], match: Match[tuple[str, bool]], kind: str) -> bool:
    """Return whether the next word makes the person the first half of a thing's name."""
    if match.end >= len(words):
        return False
    table = person_table()
    after = words[match.end]
    if kind in _GIVEN:
        # `Loki horns`, `Elvis hair`; `Jimin's eye` shows Jimin.
        if words[match.end - 1].endswith("'s"):
            return False
        pair = [after, *words[match.end + 1 : match.end + 2]]
        is_animal = after not in NOT_ADJECTIVES and (
            animal_kind(after) is not None or animal_kind(" ".join(pair)) is not None
        )
        if match.end - match.start > 1:
            return is_animal or after in _NAMED_THINGS or after in table.after_any
        is_thing = after in table.after or (after.endswith("s") and after[:-1] in table.after)
        return is_thing or is_animal or kind_of(after) in _LENT_KINDS
    if words[match.end - 1].endswith("'s"):
        # `a woman's face` shows her, `a woman's handbag` does not.
        return after not in _SHOWN_PARTS and kind_of(after) not in _SHOWN_KINDS
    if kind in (PEOPLE, COUPLE, FAMILY) and after == "of":
        # `a crowd of people`, `a family of ducks`: the noun after `of` counts.
        return (
            words[match.end + 1 : match.end + 2] != [] and words[match.end + 1] not in table.numbers
        )
    if words[match.end - 1] in _ALSO_ADJECTIVES and match.end == match.start + 1:
        rest = list(takewhile(_is_in_phrase, words[match.end : match.end + 3]))
        if any(_animals(rest)) or (words[match.start] == "human" and rest):
            return not after.endswith("ing")
    if words[match.end - 1] in table.common:
        return after in table.after_any
    if f"{after}s" in table.after or (after.endswith("s") and after[:-1] in table.after):
        return True
    return after in table.after or animal_kind(after) is not None


def _is_animals_name(words: Sequence[str], start: int) -> bool:
    """Return whether the name at `start` is an animal's: `the cat Otto`, `a dog named Max`."""
    before = [word for word in words[max(0, start - 3) : start] if word not in ("named", "called")]
    return bool(before) and STOPS.isdisjoint(before[-1:]) and animal_kind(before[-1]) is not None


def _shows_person(words: Sequence[str], end: int) -> bool:
    """Return whether a portrait shows a person: `portrait of shaggy rogers`, not `of a lighthouse`.

    `end` is the place after the word.
    """
    rest = list(takewhile(lambda word: word not in STOPS, words[end : end + 6]))
    while rest and rest[0] in _PORTRAIT_WORDS:
        rest = rest[1:]
    if rest[:1] != ["of"]:
        return True
    return rest[1:2] != [] and rest[1] not in DETERMINERS and any(map(person_table().is_rare, rest))


def _is_in_phrase(word: str) -> bool:
    return word not in STOPS and word not in NOT_ADJECTIVES


def _is_denied(words: Sequence[str], start: int) -> bool:
    """Return whether the noun at `start` is denied: `no students`, `without any of the men`."""
    for word in reversed(words[max(0, start - _NUMBER_REACH) : start]):
        if word in ("no", "without", "0", "zero"):
            return True
        if word not in ("any", "a", "an", "the", "single", "other", "of", "living", "visible"):
            return False
    return False


def _animals(words: Sequence[str]) -> Iterator[bool]:
    for place, word in enumerate(words):
        for text in (word, " ".join(words[place : place + 2])):
            if animal_kind(text) is not None:
                yield True


def _content(words: Sequence[str], table: PersonTable) -> Iterator[str]:
    """Yield the words outside the phrases that say nothing."""
    end = 0
    for match in table.nothing.matches(words):
        yield from words[end : match.start]
        end = match.end
    yield from words[end:]
