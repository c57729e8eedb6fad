"""The persons that a prompt names, in words, by name or as tags: how many, of which sex.

The counts are for the model; the user's text does not change. The words are in
`assets/slots/persons.txt`, the sex of known characters in `characters`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType

from ..vocabulary.kinds import ANIMAL, CREATURE, PERSON_KINDS, kind_of
from ..vocabulary.tags import Category, canonical, category, person_range
from ..vocabulary.word_tables import tokens
from .character_names import is_given_name, named_figure, series_of
from .characters import Figure
from .mentions import Found, Mention, read_persons
from .person_table import BOY, COUPLE, FAMILY, GIRL, PERSON, person_table
from .unknown_names import is_unknown_name

Range = tuple[int, int | None]  # at least and at most; None is an open end
NOBODY: Range = (0, 0)
# A text is read up to here: persons are named early.
MOST_CHARACTERS = 20_000
_MOST_OF_TAG = 500
_MOST_CREDIT_WORDS = 6
# Tags in which series are looked for.
_MOST_TAGS = 200

# A count inside a longer text, and persons with a number of their own: `cute 1girl`, `girl2`.
_COUNT = re.compile(r"(\d{1,2})(girl|boy|other)s?")
_NUMBERED = re.compile(r"(girl|boy|woman|man)(\d)")
_SEXES = MappingProxyType({"woman": GIRL, "man": BOY})
_FOCUS = MappingProxyType({"male focus": BOY, "female focus": GIRL})


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
    # Whether PERHAPS comes from an unknown name or another language alone.
    is_name_only: bool = False


def persons_of(tags: Iterable[str], captions: Iterable[str]) -> Persons:
    """Return the persons of a prompt, from its tags and its captions in plain words."""
    ranges: list[tuple[str, int, int | None]] = []
    focus: list[tuple[str, int, int | None]] = []
    found: list[Found] = []
    wear = looks = postures = names = about = animal = False
    in_series = in_credits = alone = known = unknown = False
    numbered: set[tuple[str, str]] = set()
    length = 0
    tags = list(tags)
    # Of `levi, attack on titan` the second tag says who the first one is.
    series = [one for tag in tags[:_MOST_TAGS] for one in series_of(tokens(tag[:_MOST_OF_TAG]))]
    for typed in tags:
        if length > MOST_CHARACTERS:
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
        inside, more = _counts_inside(tag)
        ranges += inside
        numbered |= more
        group = category(name)
        if group is Category.ARTIST and not in_credits and is_given_name(name):
            group = Category.CHARACTERS  # `nezuko` is both
        is_short = len(tokens(name)) <= _MOST_CREDIT_WORDS
        in_credits = group is Category.ARTIST or (in_credits and is_short) or " by " in f" {name} "
        is_word = person_table().phrases.has(tokens(name))
        if any(one.is_named for one in found) and series_of(tokens(name)):
            about = in_series = True  # `hermione granger, harry potter`
            continue
        figure = None if in_credits or is_word else named_figure(name, series)
        kind = kind_of(name)
        if figure is Figure.CREATURE:
            animal = about = True
        elif figure is not None:
            words = frozenset(tokens(name.split(" (")[0]))
            whole = Mention(figure.value, 1, 1, 0, 1, is_name=True, name=words, is_whole_tag=True)
            found.append(Found((whole,), is_about=True, is_named=True))
        elif group in (Category.GENERAL, Category.CHARACTERS, Category.COPYRIGHTS):
            one = read_persons(tag, is_tag=True)
            found.append(one)
            animal |= kind == ANIMAL or one.has_animal
            about |= one.is_about
            if in_credits and (one.is_named or (is_short and not one.mentions)):
                found.pop()
                found += [Found(is_about=True, is_portrait=True)] if one.is_portrait else []
                continue
            if one.mentions or one.is_thing:
                continue
            names |= group is Category.CHARACTERS
            in_series |= group is Category.COPYRIGHTS
            if group is Category.GENERAL:
                wear |= kind == "wear"
                looks |= kind in PERSON_KINDS and kind != "wear"
                postures |= kind == CREATURE
                if one.is_about and is_unknown_name(name):
                    unknown |= len(name.split()) > 1
                    alone = True
                else:
                    known |= one.is_about
    for caption in captions:
        inside, more = _counts_inside(caption[:MOST_CHARACTERS])
        ranges += inside
        numbered |= more
        one = read_persons(caption[:MOST_CHARACTERS], is_tag=False)
        found.append(one)
        animal |= one.has_animal
        about |= one.is_about
    for sex in {sex for sex, _ in numbered}:
        count = sum(one == sex for one, _ in numbered)
        ranges.append((sex, count, count))
    sexed = [one for one in ranges if one[0] in (GIRL, BOY, "other")]
    if not sexed:
        sexed = focus
        ranges += focus
    if ("person", 0, 0) in ranges:
        return Persons(Presence.NONE, NOBODY, NOBODY, 0, ("no humans",), animal, True)
    if sexed:
        return _typed(ranges, animal)
    mentions = [mention for one in found for mention in one.mentions]
    if not mentions and not animal and any(one.is_portrait and not one.is_thing for one in found):
        found.append(Found((Mention(PERSON, 1, 1, 0, 1),)))
        mentions = list(found[-1].mentions)
    if mentions:
        result = replace(_counted(_merged(found)), has_animal=animal)
        if ("person", 1, 1) in ranges and "solo" not in result.tags:
            result = replace(result, tags=(*result.tags, "solo"))
        return result
    if ("person", 1, 1) in ranges and not animal:
        return Persons(Presence.SOME, (0, 1), (0, 1), 1, ("solo",), animal, True)
    is_perhaps = names or looks or any(one.is_perhaps for one in found)
    is_perhaps |= (in_series or wear or postures) and not animal
    is_strange = any(one.is_strange for one in found) or unknown or (alone and not known)
    if is_perhaps or is_strange:
        return Persons(Presence.PERHAPS, has_animal=animal, is_name_only=not is_perhaps)
    if not about:
        return Persons(Presence.OPEN, has_animal=animal)
    return Persons(Presence.NONE, NOBODY, NOBODY, 0, ("no humans",), animal)


def _counts_inside(text: str) -> tuple[list[tuple[str, int, int | None]], set[tuple[str, str]]]:
    """Return the counts inside a text (`1girl walking`), and its numbered persons (`girl2`)."""
    words = tokens(text)
    ranges: list[tuple[str, int, int | None]] = []
    numbered: set[tuple[str, str]] = set()
    for word in words:
        if match := _COUNT.fullmatch(word):
            count = int(match[1])
            if count:
                ranges.append((match[2], count, count))
        elif match := _NUMBERED.fullmatch(word):
            numbered.add((_SEXES.get(match[1], match[1]), match[2]))
    if ranges and "solo" in words:
        ranges.append(("person", 1, 1))
    return ranges, numbered


def named_persons(sentence: str) -> Persons:
    """Return the persons that one sentence names; OPEN if it names none."""
    found = read_persons(sentence[:MOST_CHARACTERS], is_tag=False)
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
        by_sex.get(GIRL, (0, 0 if is_alone else None)),
        by_sex.get(BOY, (0, 0 if is_alone else None)),
        1 if is_alone else most,
        (*tags, "solo") if is_alone else tuple(tags),
        has_animal,
        True,
    )


def _merged(found: list[Found]) -> list[Mention]:
    """Return the mentions of all texts; a tag or caption that repeats persons adds none."""
    best: dict[str, list[Mention]] = {}
    for one in found:
        by_kind: dict[str, list[Mention]] = {}
        for mention in one.mentions:
            by_kind.setdefault(mention.kind, []).append(mention)
        for kind, group in by_kind.items():
            # `a girl` as a tag of its own says more than `maidens` in a title.
            old = best.get(kind, [])
            if old and all(m.is_whole_tag for m in (*old, *group)):
                known = frozenset[str]().union(*(m.name for m in old))
                best[kind] = [*old, *(m for m in group if m.name.isdisjoint(known))]
                continue
            if any(m.is_exact for m in old) and any(m.high is None for m in group):
                continue
            if {m.age for m in old} | {m.age for m in group} == {"old", "young"}:
                best[kind] = [*old, *group]  # `old woman, young girl`
                continue
            is_told = any(m.is_exact for m in group) and any(m.high is None for m in old)
            if is_told or sum(m.low for m in group) > sum(m.low for m in best.get(kind, ())):
                best[kind] = group
    others = best.get(PERSON, [])
    if sum(m.high or 2 for m in others) == 1 and len(best) == 2:
        # `woman, nurse`: two tags of one person; `a woman and a nurse` stand in one text.
        (sex,) = best.keys() - {PERSON}
        are_apart = not any({PERSON, sex} <= {m.kind for m in one.mentions} for one in found)
        if sex in (GIRL, BOY) and are_apart:
            del best[PERSON]
    return [mention for group in best.values() for mention in group]


def _counted(mentions: list[Mention]) -> Persons:
    """Return the counts of mentions that are all different persons."""
    girls = _sum(m for m in mentions if m.kind == GIRL)
    boys = _sum(m for m in mentions if m.kind == BOY)
    neutral = [m for m in mentions if m.kind == PERSON]
    others = _sum(neutral)
    if any(m.kind == FAMILY for m in mentions):
        both = ("multiple girls", "multiple boys")
        return Persons(Presence.SOME, (1, None), (1, None), None, both)
    if any(m.kind == COUPLE for m in mentions) and girls == boys == NOBODY:
        return Persons(Presence.SOME, (0, 2), (0, 2), 2, ("1girl", "1boy"))
    tags = (*_tags(GIRL, girls), *_tags(BOY, boys))
    if not tags:
        leans_boy = all(m.leans_boy for m in neutral)
        high = others[1]
        if leans_boy:
            tags = _tags(BOY, others)
        elif high == 1:
            tags = ("solo",)
        elif high == 2:
            tags = ("1girl", "1boy")
        else:
            tags = ("multiple girls", "multiple boys")
    elif others == (1, 1) and len(tags) == 1 and not any(m.is_plural for m in mentions):
        # `a wizard and his apprentice`: the words leave the other one open.
        tags = ("1girl", "1boy")
    total = [girls[1], boys[1], others[1]]
    return Persons(
        Presence.SOME,
        (girls[0], _plus(girls[1], others[1])),
        (boys[0], _plus(boys[1], others[1])),
        None if None in total else sum(high for high in total if high is not None),
        tags,
    )


def _sum(mentions: Iterable[Mention]) -> Range:
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
