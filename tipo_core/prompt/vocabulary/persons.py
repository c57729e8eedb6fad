"""The persons that a prompt names, in words, by name or as tags: how many, of which sex.

The counts are for the model; the user's text does not change. The words are in
`assets/slots/persons.txt`, the sex of known characters in `characters`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from itertools import takewhile
from types import MappingProxyType

from .characters import Figure, figure_of
from .kinds import ANIMAL, CREATURE, PERSON_KINDS, animal_kind, kind_of
from .names import NAMES_FILE
from .tags import Category, canonical, category, person_range
from .word_tables import Match, PhraseTable, entries, folded, sections, tokens

Range = tuple[int, int | None]  # at least and at most; None is an open end
NOBODY: Range = (0, 0)

# A text is read up to here: persons are named early.
_MOST_CHARACTERS = 20_000
_MOST_OF_TAG = 500
# Words between a number and its noun (`two very old men`), between `and` and a second person.
_NUMBER_REACH = 4
_AND_REACH = 7
_NAME_WORDS = 4
_CREDIT_REACH = 40
_MOST_CREDIT_WORDS = 6

_GIRL, _BOY, _PERSON = "girl", "boy", "person"
_MOSTLY_MEN, _WITH_ARTICLE = "mostly men", "with article"
_PEOPLE, _COUPLE, _FAMILY = "people", "couple", "family"
_PERHAPS, _PERHAPS_ALONE = "perhaps", "perhaps without an animal"
_NOT_PERSONS, _NO_PERSON = "not persons", "no person"
_GIVEN = {"given girl": _GIRL, "given boy": _BOY}
_COUNTED = (_GIRL, _BOY, _PERSON, _MOSTLY_MEN, _WITH_ARTICLE)

_DETERMINERS = frozenset("a an the one this that another each every his her their my our".split())
_STOPS = frozenset(".,;:!?()")
_NOT_ADJECTIVES = frozenset(
    "and or of with in on at by to from for as is are was were has have the over under near".split()
)
_FOCUS = MappingProxyType({"male focus": _BOY, "female focus": _GIRL})
# Words that are adjectives as well: `human skull`, `male lion`, `baby red panda`.
_ALSO_ADJECTIVES = frozenset(
    ("human", "male", "female", "baby", "adult", "mother", "father", "teen")
)
# Nouns after `a woman's` that show the woman.
_SHOWN_PARTS = frozenset("head face body portrait silhouette figure self profile selfie".split())
_SHOWN_KINDS = frozenset(("hair", "body", "face", CREATURE))
# Regular endings, and what stands in their place in the word itself.
_ENDINGS = MappingProxyType(
    {
        **{"s": ("",), "es": ("",), "ies": ("y",), "ed": ("", "e"), "ing": ("", "e")},
        **{"ly": ("",), "y": ("", "e"), "er": ("", "e"), "est": ("", "e")},
    }
)
# Endings of English words that are no names.
_WORD_ENDINGS = (
    *("ed", "ing", "ic", "al", "ism", "punk", "core", "wave", "ness", "tion", "ous", "ful", "ish"),
    *(
        "ly",
        "age",
        "ment",
        "ity",
        "ive",
        "able",
        "less",
        "graphy",
        "scape",
        "like",
        "ship",
        "house",
    ),
)
_SHE = frozenset(("she", "her", "hers", "herself"))
_HE = frozenset(("he", "him", "his", "himself"))
_PLACE_PREPOSITIONS = frozenset("in at from near to by".split())


class Presence(Enum):
    """Whether a prompt has persons."""

    OPEN = "open"  # the prompt names no subject
    NONE = "none"  # it is about animals, things or places
    PERHAPS = "perhaps"  # wear, looks, or a name that the pack does not know
    SOME = "some"


@dataclass(frozen=True)
class Persons:
    """The persons of a prompt: ranges for each sex, and the count tags for the model."""

    presence: Presence
    girls: Range = (0, None)
    boys: Range = (0, None)
    # At most this many persons; None if open.
    most: int | None = None
    tags: tuple[str, ...] = ()
    # Whether an animal is named, and whether the user typed the counts as tags.
    has_animal: bool = False
    is_typed: bool = False


@dataclass(frozen=True)
class _Mention:
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


@dataclass(frozen=True)
class _Found:
    """What a text says of persons."""

    mentions: tuple[_Mention, ...] = ()
    is_perhaps: bool = False
    has_animal: bool = False
    is_about: bool = False  # some word names a subject
    is_thing: bool = False  # a phrase such as `queen bee`
    is_named: bool = False  # all mentions are names


def persons_of(tags: Iterable[str], captions: Iterable[str]) -> Persons:
    """Return the persons of a prompt, from its tags and its captions in plain words."""
    ranges: list[tuple[str, int, int | None]] = []
    focus: list[tuple[str, int, int | None]] = []
    found: list[_Found] = []
    wear = looks = postures = names = about = animal = False
    series = in_credits = alone = known = False
    length = 0
    for typed in tags:
        if length > _MOST_CHARACTERS:
            break
        tag = typed[:_MOST_OF_TAG]
        name = canonical(tag)
        length += len(typed)
        if not name:
            continue
        counted = person_range(name)
        if counted is not None:
            ranges.append(counted)
            continue
        if name in _FOCUS:
            focus.append((_FOCUS[name], 1, None))
            continue
        group = category(name)
        is_short = len(tokens(name)) <= _MOST_CREDIT_WORDS
        in_credits = group is Category.ARTIST or (in_credits and is_short) or " by " in f" {name} "
        figure = None if in_credits else _figure(name)
        kind = kind_of(name)
        if figure is Figure.CREATURE:
            animal = about = True
        elif figure is not None:
            found.append(_Found((_Mention(figure.value, 1, 1, 0, 1),), is_about=True))
        elif group in (Category.GENERAL, Category.CHARACTERS, Category.COPYRIGHTS):
            one = _read(tag, is_tag=True)
            found.append(one)
            animal |= kind == ANIMAL or one.has_animal
            about |= one.is_about
            if in_credits and (one.is_named or (is_short and not one.mentions)):
                found.pop()
                continue
            if one.mentions or one.is_thing:
                continue
            names |= group is Category.CHARACTERS
            series |= group is Category.COPYRIGHTS
            if group is Category.GENERAL:
                wear |= kind == "wear"
                looks |= kind in PERSON_KINDS and kind != "wear"
                postures |= kind == CREATURE
                if one.is_about and _is_unknown(name):
                    names |= len(name.split()) > 1
                    alone = True
                else:
                    known |= one.is_about
    for caption in captions:
        one = _read(caption[:_MOST_CHARACTERS], is_tag=False)
        found.append(one)
        animal |= one.has_animal
        about |= one.is_about
    sexed = [one for one in ranges if one[0] in (_GIRL, _BOY, "other")]
    if not sexed:
        sexed = focus
        ranges += focus
    if ("person", 0, 0) in ranges:
        return Persons(Presence.NONE, NOBODY, NOBODY, 0, ("no humans",), animal, True)
    if sexed:
        return _typed(ranges, animal)
    mentions = [mention for one in found for mention in one.mentions]
    if mentions:
        result = replace(_counted(_merged(found)), has_animal=animal)
        if ("person", 1, 1) in ranges and "solo" not in result.tags:
            result = replace(result, tags=(*result.tags, "solo"))
        return result
    if ("person", 1, 1) in ranges and not animal:
        return Persons(Presence.SOME, (0, 1), (0, 1), 1, ("solo",), animal, True)
    is_perhaps = names or (alone and not known) or looks or any(one.is_perhaps for one in found)
    is_perhaps |= (series or wear or postures) and not animal
    if is_perhaps:
        return Persons(Presence.PERHAPS, has_animal=animal)
    if not about:
        return Persons(Presence.OPEN, has_animal=animal)
    return Persons(Presence.NONE, NOBODY, NOBODY, 0, ("no humans",), animal)


def named_persons(sentence: str) -> Persons:
    """Return the persons that one sentence names; OPEN if it names none."""
    found = _read(sentence[:_MOST_CHARACTERS], is_tag=False)
    return _counted(list(found.mentions)) if found.mentions else Persons(Presence.OPEN)


def _typed(ranges: list[tuple[str, int, int | None]], has_animal: bool) -> Persons:
    """Return the persons of typed counts, which win over words."""
    by_sex: dict[str, Range] = {}
    for sex, low, high in ranges:
        if sex != "person":
            old = by_sex.get(sex, NOBODY)
            top = None if high is None or old[1] is None else max(high, old[1])
            by_sex[sex] = (max(low, old[0]), top)
    tags = []
    for sex, (low, high) in by_sex.items():
        tags.append(
            canonical(f"{low} {sex}s" if high is not None or low > 2 else f"multiple {sex}s")
        )
    is_alone = ("person", 1, 1) in ranges
    tops = [high for _, high in by_sex.values()]
    most = None if None in tops else sum(high for high in tops if high is not None)
    return Persons(
        Presence.SOME,
        by_sex.get(_GIRL, (0, 0 if is_alone else None)),
        by_sex.get(_BOY, (0, 0 if is_alone else None)),
        1 if is_alone else most,
        (*tags, "solo") if is_alone else tuple(tags),
        has_animal,
        True,
    )


def _merged(found: list[_Found]) -> list[_Mention]:
    """Return the mentions of all texts; a tag or caption that repeats persons adds none."""
    best: dict[str, list[_Mention]] = {}
    for one in found:
        by_kind: dict[str, list[_Mention]] = {}
        for mention in one.mentions:
            by_kind.setdefault(mention.kind, []).append(mention)
        for kind, group in by_kind.items():
            if sum(m.low for m in group) > sum(m.low for m in best.get(kind, ())):
                best[kind] = group
    return [mention for group in best.values() for mention in group]


def _counted(mentions: list[_Mention]) -> Persons:
    """Return the counts of mentions that are all different persons."""
    girls = _sum(m for m in mentions if m.kind == _GIRL)
    boys = _sum(m for m in mentions if m.kind == _BOY)
    neutral = [m for m in mentions if m.kind == _PERSON]
    others = _sum(neutral)
    if any(m.kind == _FAMILY for m in mentions):
        both = ("multiple girls", "multiple boys")
        return Persons(Presence.SOME, (1, None), (1, None), None, both)
    if any(m.kind == _COUPLE for m in mentions) and girls == boys == NOBODY:
        return Persons(Presence.SOME, (0, 2), (0, 2), 2, ("1girl", "1boy"))
    tags = (*_tags(_GIRL, girls), *_tags(_BOY, boys))
    if not tags:
        leans_boy = all(m.leans_boy for m in neutral)
        high = others[1]
        if leans_boy:
            tags = _tags(_BOY, others)
        elif high == 1:
            tags = ("solo",)
        elif high == 2:
            tags = ("1girl", "1boy")
        else:
            tags = ("multiple girls", "multiple boys")
    total = [girls[1], boys[1], others[1]]
    return Persons(
        Presence.SOME,
        (girls[0], _plus(girls[1], others[1])),
        (boys[0], _plus(boys[1], others[1])),
        None if None in total else sum(high for high in total if high is not None),
        tags,
    )


def _sum(mentions: Iterable[_Mention]) -> Range:
    low, high = 0, 0
    is_open = False
    for mention in mentions:
        low += mention.low
        is_open |= mention.high is None
        high += mention.high or 0
    return (low, None if is_open else high)


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _tags(sex: str, count: Range) -> tuple[str, ...]:
    low, high = count
    if not low:
        return ()
    return (canonical(f"multiple {sex}s" if high is None else f"{low} {sex}s"),)


# Reading a text.


def _read(text: str, *, is_tag: bool) -> _Found:
    table = _table()
    words = tokens(text)
    mentions: list[_Mention] = []
    is_perhaps = is_perhaps_alone = is_about = False
    is_thing = False
    skipped_until = -1  # the person of `statue of a man`
    has_animal = any(_animals(words))
    for match in _matches(words, table):
        kind, is_plural = match.found
        if (kind in _GIVEN or kind == _NO_PERSON) and _is_credit(words, match.start):
            continue
        if _is_denied(words, match.start):
            is_about = True
            continue
        if match.start < skipped_until:
            is_about = is_thing = True
            continue
        if kind in (_NOT_PERSONS, _NO_PERSON):
            is_about = is_thing = True
            has_animal |= kind == _NO_PERSON
        elif kind == "made things":
            is_about = True
            if words[match.end : match.end + 1] == ["of"]:
                skipped_until = match.end + 5
        elif kind == _PERHAPS:
            is_perhaps = is_about = True
        elif kind == _PERHAPS_ALONE:
            is_perhaps_alone = is_about = True
        elif not _is_compound(words, match, kind):
            mention = _mention(words, match, kind, is_plural, is_tag)
            if mention is not None:
                _join(mentions, mention, words)
    is_about |= bool(mentions) or any(
        word not in table.says_nothing and word not in _STOPS for word in _content(words, table)
    )
    if not mentions and not has_animal and not (is_tag and len(words) < 3):
        pronouns = set(words)
        for sex, forms in ((_GIRL, _SHE), (_BOY, _HE)):
            if pronouns & forms:
                mentions.append(_Mention(sex, 1, 1, 0, 1))
    if not mentions and not has_animal:
        is_perhaps |= is_perhaps_alone or _is_foreign(words)
        is_perhaps |= len(words) > 2 and _has_unknown_name(text)
    is_named = bool(mentions) and all(one.is_name for one in mentions)
    return _Found(tuple(mentions), is_perhaps, has_animal, is_about, is_thing, is_named)


def _matches(words: Sequence[str], table: _PersonTable) -> Iterator[Match[tuple[str, bool]]]:
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
            if _STOPS.isdisjoint(words[place : place + length]):
                figure = _figure(" ".join(words[place : place + length]))
                if figure is not None:
                    kind = _NO_PERSON if figure is Figure.CREATURE else f"given {figure.value}"
                    yield Match(place, place + length, (kind, False))
                    step = length
                    break
        else:
            figure = figure_of(words[place]) if _table().is_rare(words[place]) else None
            if figure is not None:
                kind = _NO_PERSON if figure is Figure.CREATURE else f"given {figure.value}"
                yield Match(place, place + 1, (kind, False))
        place += step


def _figure(name: str) -> Figure | None:
    """Return what a character is; a name of two words may stand in either order."""
    figure = figure_of(name)
    if figure is None and name.count(" ") == 1:
        first, last = name.split(" ")
        if _table().is_rare(first) and _table().is_rare(last):
            figure = figure_of(f"{last} {first}")
    return figure


def _mention(
    words: Sequence[str],
    match: Match[tuple[str, bool]],
    kind: str,
    is_plural: bool,
    is_tag: bool,
) -> _Mention | None:
    """Return the persons of one noun with its number, None for a noun that needs an article."""
    before = list(words[max(0, match.start - _NUMBER_REACH - 2) : match.start])
    is_definite = bool(before) and before[-1] in ("the", "this", "that")
    if kind in _GIVEN:
        return _Mention(_GIVEN[kind], 1, 1, match.start, match.end, is_name=True)
    if kind in (_FAMILY, _COUPLE):
        return _Mention(kind, 2, None, match.start, match.end, is_definite, is_plural=True)
    number = _number(before)
    if kind == _WITH_ARTICLE:
        is_alone = is_tag and match.start == 0 and match.end == len(words)
        near = [word for word in before if word not in _table().adjectives]
        has_article = bool(near) and near[-1] in _DETERMINERS
        if not (has_article or is_alone or number is not None):
            return None
    sex = kind if kind in (_GIRL, _BOY) else _PERSON
    if kind == _PEOPLE or is_plural:
        low, high = (2, None) if not number or number == 1 else (number, number)
    else:
        # `five samurai`: a plural in the form of the singular.
        low = high = max(1, number or 1)
    return _Mention(
        sex, low, high, match.start, match.end, is_definite, kind == _MOSTLY_MEN, high != 1
    )


def _join(mentions: list[_Mention], new: _Mention, words: Sequence[str]) -> None:
    """Add a mention, unless it names the persons of an earlier one again."""
    last = mentions[-1] if mentions else None
    if last is not None:
        between = words[last.end : new.start]
        if len(between) <= 1 and not set(between) & (_STOPS | _NOT_ADJECTIVES):
            # `female knight`, `boy king`: one noun phrase.
            sex = last.kind if last.kind in (_GIRL, _BOY) else new.kind
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
        if new.kind == _PERSON and old.kind in (_GIRL, _BOY, _COUPLE, _FAMILY):
            return  # `a woman ..., the singer ...`
        if old.kind == _PERSON and new.kind in (_GIRL, _BOY) and old.low == new.low == 1:
            mentions[place] = new
            return
    mentions.append(new)


def _number(before: Sequence[str]) -> int | None:
    """Return the number before a noun, 0 for several, None if there is none."""
    numbers = _table().numbers
    for back in range(1, min(len(before), _NUMBER_REACH) + 1):
        word = before[-back]
        if word == "of" and back < len(before):
            return numbers.get(f"{before[-back - 1]} of")
        if word in numbers:
            return numbers[word]
        if word.isdigit() and len(word) < 4:
            return int(word)
        if word in _STOPS or word in _NOT_ADJECTIVES:
            return None
    return None


def _is_compound(words: Sequence[str], match: Match[tuple[str, bool]], kind: str) -> bool:
    """Return whether the next word makes the person the first half of a thing's name."""
    if match.end >= len(words) or kind in _GIVEN:
        return False
    table = _table()
    after = words[match.end]
    if words[match.end - 1].endswith("'s"):
        # `a woman's face` shows her, `a woman's handbag` does not.
        return after not in _SHOWN_PARTS and kind_of(after) not in _SHOWN_KINDS
    if kind in (_PEOPLE, _COUPLE, _FAMILY) and after == "of":
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
    if after.endswith("s") and after[:-1] in table.after:
        return True
    return after in table.after or animal_kind(after) is not None


def _is_in_phrase(word: str) -> bool:
    return word not in _STOPS and word not in _NOT_ADJECTIVES


def _is_denied(words: Sequence[str], start: int) -> bool:
    """Return whether the noun at `start` is denied: `no students`, `without any of the men`."""
    for word in reversed(words[max(0, start - _NUMBER_REACH) : start]):
        if word in ("no", "without"):
            return True
        if word not in ("any", "a", "an", "the", "single", "other", "of", "living", "visible"):
            return False
    return False


def _is_credit(words: Sequence[str], start: int) -> bool:
    """Return whether the name at `start` is an artist's: `by A, B and C`, `in the style of D`."""
    run = 0  # words since the last comma or `and`
    for back in range(1, min(start, _CREDIT_REACH) + 1):
        word = words[start - back]
        if word == "by":
            return True
        if word == "of" and start > back and words[start - back - 1] == "style":
            return True
        if word in (",", "and"):
            run = 0
            continue
        run += 1
        if run > 3 or word in _STOPS or word in _DETERMINERS or word in _NOT_ADJECTIVES:
            return False
    return False


def _animals(words: Sequence[str]) -> Iterator[bool]:
    for place, word in enumerate(words):
        for text in (word, " ".join(words[place : place + 2])):
            if animal_kind(text) is not None:
                yield True


def _content(words: Sequence[str], table: _PersonTable) -> Iterator[str]:
    """Yield the words outside the phrases that say nothing."""
    end = 0
    for match in table.nothing.matches(words):
        yield from words[end : match.start]
        end = match.end
    yield from words[end:]


def _is_unknown(name: str) -> bool:
    """Return whether no word of a tag is an ordinary one, so that it may be a person's name."""
    table = _table()
    words = folded(name).split()
    return kind_of(name) is None and all(
        not word.isascii() or (table.is_rare(word) and not word.endswith(_WORD_ENDINGS))
        for word in words
    )


def _is_foreign(words: Sequence[str]) -> bool:
    """Return whether most words are of another language."""
    letters = [
        word
        for place, word in enumerate(words)
        if word not in _STOPS and not word.isdigit() and not _is_credit(words, place)
    ]
    strange = sum(not word.isascii() or _table().is_rare(word) for word in letters)
    return bool(letters) and (
        any(ord(word[0]) > 0x2E80 for word in letters)
        or (len(letters) > 3 and 2 * strange > len(letters))
    )


def _has_unknown_name(text: str) -> bool:
    """Return whether a capitalised word inside a sentence may be a person's name."""
    table = _table()
    words = text.split()
    if sum(word[:1].isupper() for word in words) > len(words) / 2 and len(words) > 3:
        return False  # a title
    in_credits = False
    for place, word in enumerate(words):
        # `by Vincent van Gogh and Claude Monet`
        is_joint = word[:1].isupper() or word in ("and", "&", "van", "von", "de", "da", "di", "of")
        in_credits = word.casefold() == "by" or (in_credits and is_joint)
        if in_credits:
            continue
        bare = word.strip(".,;:!?()\"'").removesuffix("'s")
        is_name = bare[:1].isupper() and bare[1:].islower() and len(bare) > 2
        after = words[place + 1] if place + 1 < len(words) else ""
        if place == 0 or words[place - 1].endswith((".", "!", "?")):
            # Every sentence begins with a capital: `Zelensky eating`, `Zendaya Coleman`.
            is_name = is_name and (after.endswith("ing") or after[:1].isupper())
        before = words[place - 1].casefold() if place else ""
        if is_name and before not in _PLACE_PREPOSITIONS and table.is_rare(bare.casefold()):
            return not bare.casefold().endswith(_WORD_ENDINGS)
    return False


@dataclass(frozen=True)
class _PersonTable:
    phrases: PhraseTable[tuple[str, bool]]
    nothing: PhraseTable[bool]
    says_nothing: frozenset[str]
    after: frozenset[str]
    after_any: frozenset[str]
    common: frozenset[str]
    adjectives: frozenset[str]
    numbers: dict[str, int]
    ordinary: frozenset[str]

    def is_rare(self, word: str) -> bool:
        """Return whether a word is in no list of ordinary words, also without a regular ending."""
        if word in _STOPS or not word.isalpha():
            return False
        forms = {word}
        for ending, others in _ENDINGS.items():
            if word.endswith(ending) and len(word) > len(ending) + 2:
                forms.update(word.removesuffix(ending) + other for other in others)
        return forms.isdisjoint(self.ordinary)


@cache
def _table() -> _PersonTable:
    lists = {title: list(entries(lines)) for title, lines in sections("persons.txt")}
    phrases: dict[str, tuple[str, bool]] = {}
    for kind, texts in lists.items():
        if kind in ("after a person", "after any person", "adjectives", "numbers", "says nothing"):
            continue
        for text in texts:
            phrase = folded(text)
            phrases.setdefault(phrase, (kind, False))
            if kind in _COUNTED:
                phrases.setdefault(_plural(phrase), (kind, True))
                phrases.setdefault(f"{phrase}'s", (kind, False))
    for text in lists[_NOT_PERSONS]:
        phrases.setdefault(_plural(folded(text)), (_NOT_PERSONS, True))
        phrases[folded(text)] = (_NOT_PERSONS, False)
    ordinary: set[str] = set()
    for line in NAMES_FILE.with_name("ordinary_words.txt").read_text("utf-8").splitlines():
        ordinary.update(word for part in line.partition("#")[0].split() for word in part.split("_"))
    nothing = {folded(text): True for text in lists["says nothing"]}
    return _PersonTable(
        PhraseTable(phrases),
        PhraseTable(nothing),
        frozenset(nothing),
        frozenset(map(folded, lists["after a person"])),
        frozenset(map(folded, lists["after any person"])),
        frozenset("girl girls woman women man men boy boys lady guy".split()),
        frozenset(map(folded, lists["adjectives"])),
        {
            folded(text): int(number)
            for text, _, number in (entry.partition(":") for entry in lists["numbers"])
        },
        frozenset(ordinary),
    )


def _plural(phrase: str) -> str:
    """Return the regular plural of a noun, with the plurals of man, child, wife and thief."""
    if phrase.endswith("man"):
        return phrase[:-3] + "men"
    if phrase.endswith("child"):
        return phrase + "ren"
    if phrase.endswith(("fe", "lf", "ief")):
        return phrase.removesuffix("fe").removesuffix("f") + "ves"
    if phrase.endswith("y") and phrase[-2:-1] not in "aeiou":
        return phrase[:-1] + "ies"
    if phrase.endswith(("s", "x", "ch", "sh")):
        return phrase + "es"
    return phrase + "s"
