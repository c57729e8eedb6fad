"""The persons that one text mentions: nouns with their numbers, names of characters, pronouns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..vocabulary.kinds import animal_kind
from ..vocabulary.style_phrases import content_words
from ..vocabulary.word_tables import Match, tokens
from .character_names import GIVEN, Named, character_matches, places_in_titles
from .compounds import (
    animals,
    is_animals_name,
    is_compound,
    is_namesake,
    is_word_here,
    shows_person,
)
from .denied_words import denied_spans, with_plain_denials
from .noun_numbers import NUMBER_REACH, age_of, number_before
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

# Words between `and` and a second person.
_AND_REACH = 7
# `woman/man`, `men & women`
_JOINED = re.compile(r"(?<=\w)\s*[/|&+]\s*(?=\w)")
# Words that say a sex outright: `samurai woman` is a woman.
_SEX_WORDS = frozenset(
    """woman women girl girls lady ladies female females man men boy boys guy guys gentleman
    gentlemen male males""".split()
)
# After a trade that begins a phrase: `boxer in the ring`, `space pilot, cockpit`.
_AFTER_SUBJECT = frozenset(
    "in at on with from by of under over near behind beside holding wearing and is who".split()
)
# Words that begin the naming of a second person, and words between two namings of one person.
_SECONDS = frozenset("a an another his her their my our your".split())
# Words from an article to the noun of a second person: `a very old man`.
_SECOND_REACH = 3
_HAIR_COLOURS = frozenset(("blonde", "brunette", "redhead"))
_ONE_PERSON = frozenset(
    """is are was were be been being as like of or into become becomes becoming became named called
    who that which from dressed disguised looks resembling ( )""".split()
)
# Endings of the adjectives of nations: `a nigerian chief`.
_NATIONS = ("ian", "ese", "ish")
_AGAINST = frozenset("vs versus x".split())
_SELF = frozenset(("me", "myself", "us", "ourselves"))
# Words before `me`: `a picture of me`, not `show me`.
_BEFORE_ME = frozenset(("of", "and", "with", ""))
_THEY = frozenset(("they", "we"))
_SUBJECT_PRONOUNS = frozenset(("she", "he", "they", "we"))
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
    name: frozenset[str] = frozenset()  # the words of a name
    is_whole_tag: bool = False


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
    titles = places_in_titles(words)
    mentions: list[Mention] = []
    is_perhaps = is_perhaps_alone = is_about = False
    is_thing = is_animals = is_portrait = False
    skipped_until = -1  # the person of `statue of a man`
    has_animal = any(animals(words))
    for match in _matches(words, table):
        kind, is_plural = match.found
        if (kind in GIVEN or kind == NO_PERSON) and is_credit(typed, match.start):
            continue
        if is_namesake(typed, match.start):
            is_about = True
            continue
        if match.start in denied or _is_denied(words, match.start):
            is_about = True
            continue
        if kind in GIVEN and is_animals_name(words, match.start):
            is_about = is_animals = True
            continue
        is_title = match.start in titles
        if is_title or (kind in GIVEN and is_word_here(words, match)):
            is_about = True
            continue
        if is_animals and (kind in COUNTED or kind in GIVEN):
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
            is_portrait |= kind == PORTRAIT and shows_person(typed, match.end)
        elif not is_compound(words, match, kind):
            mention = _mention(words, match, kind, is_plural, is_tag)
            if mention is not None:
                _join(mentions, mention, words)
    is_about |= bool(mentions) or any(
        word not in table.says_nothing and word not in STOPS for word in _content(typed, table)
    )
    for place, word in enumerate(words if not mentions else ()):
        if word in _SELF and (words[place - 1] if place else "") in _BEFORE_ME:
            is_we = word in ("us", "ourselves")
            low, high = (2, None) if is_we else (1, 1)
            mentions.append(Mention(PERSON, low, high, place, place + 1, is_plural=is_we))
            break
    begins_with = words[0] if words else ""
    if not mentions and (not has_animal or begins_with in _SUBJECT_PRONOUNS):
        # As a tag of one or two words, `her` is no subject.
        pronouns = set(words) if not (is_tag and len(words) < 3) else set()
        pronouns = {begins_with} & _SUBJECT_PRONOUNS if has_animal else pronouns
        for sex, forms in ((GIRL, _SHE), (BOY, _HE)):
            if pronouns & forms:
                mentions.append(Mention(sex, 1, 1, 0, 1))
        if not mentions and pronouns and begins_with in _THEY:
            mentions.append(Mention(PERSON, 2, None, 0, 1, is_plural=True))
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


def _matches(words: Sequence[str], table: PersonTable) -> Iterator[Match[Named]]:
    """Yield the phrases of the table and the known characters, in their order."""
    end = 0
    for match in table.phrases.matches(words):
        yield from character_matches(words, end, match.start)
        yield match
        end = match.end
    yield from character_matches(words, end, len(words))


def _mention(
    words: Sequence[str],
    match: Match[Named],
    kind: str,
    is_plural: bool,
    is_tag: bool,
) -> Mention | None:
    """Return the persons of one noun with its number, None for a noun that needs an article."""
    before = list(words[max(0, match.start - NUMBER_REACH - 2) : match.start])
    numbers = person_table().numbers
    near = [word for word in before[-2:] if word not in numbers][-1:]
    is_definite = bool(near) and near[0] in ("the", "this", "that")  # also `the two men`
    if kind in GIVEN:
        name = frozenset(words[match.start : match.end])
        is_whole = is_tag and len(name) == len(words)
        span = (match.start, match.end)
        return Mention(GIVEN[kind], 1, 1, *span, is_name=True, name=name, is_whole_tag=is_whole)
    if kind in (FAMILY, COUPLE):
        return Mention(kind, 2, None, match.start, match.end, is_definite, is_plural=True)
    number = number_before(before)
    is_exact = is_tag and match.end == len(words) and match.start == len(before) < 3
    is_exact = is_exact and (number is not None or before[:1] in (["a"], ["an"]))
    if kind in PAIRS:
        sex = PAIRS[kind]
        return Mention(sex, 2, 2, match.start, match.end, is_definite, is_plural=True)
    if kind == WITH_ARTICLE:
        is_alone = is_tag and match.start == 0 and match.end == len(words)
        near = [word for word in before if not _is_adjective(word)]
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
        age=age_of([*before[-3:], *words[match.start : match.end]]),
    )


def _is_adjective(word: str) -> bool:
    return word in person_table().adjectives or word.endswith(_NATIONS)


def _begins_phrase(words: Sequence[str], match: Match[Named]) -> bool:
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
        is_one_phrase = len(between) <= 1 and not set(between) & (STOPS | NOT_ADJECTIVES)
        if last.is_name and new.is_name and between and last.name.isdisjoint(new.name):
            # not `goku fighting vegeta`
            is_one_phrase &= person_table().is_rare(between[0]) and between[0] not in _AGAINST
        if is_one_phrase:
            # `female knight`, `boy king`, `samurai woman`: one noun phrase.
            is_outright = new.kind in (GIRL, BOY) and words[new.end - 1] in _SEX_WORDS
            is_outright = is_outright and words[last.end - 1] not in _SEX_WORDS
            sex = last.kind if last.kind in (GIRL, BOY) and not is_outright else new.kind
            low, high = (new.low, new.high) if new.is_plural else (last.low, last.high)
            name = last.name | new.name
            mentions[-1] = replace(last, kind=sex, end=new.end, low=low, high=high, name=name)
            return
        is_joined = len(between) <= _AND_REACH and bool({"and", "&", "another"} & set(between))
        if is_joined and not new.is_definite and "." not in between:
            mentions.append(new)
            return
        if _is_another(last, new, words) or _is_another_name(mentions, new, between):
            mentions.append(new)
            return
    same = sum(old.low for old in mentions if old.kind == new.kind)
    if new.is_definite and 0 < new.low <= same:
        return  # `an astronaut and a pilot ..., the two astronauts`
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


def _is_another(last: Mention, new: Mention, words: Sequence[str]) -> bool:
    """Return whether a noun with an article is a second person: `a nurse helping a man`.

    `a woman dressed as a nurse` and `the son of a king` show one person.
    """
    between = words[last.end : new.start]
    if words[new.start] in _HAIR_COLOURS:
        return False
    if not STOPS.isdisjoint(between) or not _ONE_PERSON.isdisjoint(between):
        return False
    if new.is_definite or new.kind not in (GIRL, BOY, PERSON) or len(between) < 2:
        return False
    return any(word in _SECONDS for word in between[1:][-_SECOND_REACH:])


def _is_another_name(mentions: Sequence[Mention], new: Mention, between: Sequence[str]) -> bool:
    """Return whether a name is of no person before it: `goku fighting vegeta`."""
    if not new.is_name or not all(old.is_name for old in mentions):
        return False
    if not between or not _ONE_PERSON.isdisjoint(between):
        return False
    return all(old.name.isdisjoint(new.name) for old in mentions)


def _is_denied(words: Sequence[str], start: int) -> bool:
    """Return whether the noun at `start` is denied: `no students`, `without any of the men`."""
    for word in reversed(words[max(0, start - NUMBER_REACH) : start]):
        if word in ("no", "without", "0", "zero"):
            return True
        if word not in ("any", "a", "an", "the", "single", "other", "of", "living", "visible"):
            return False
    return False


def _content(words: Sequence[str], table: PersonTable) -> Iterator[str]:
    """Yield the words outside the phrases that say nothing."""
    end = 0
    for match in table.nothing.matches(words):
        yield from words[end : match.start]
        end = match.end
    yield from words[end:]
