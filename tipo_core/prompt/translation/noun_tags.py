"""The tags of a noun with its colours, adjectives and count: ``two red umbrellas``, ``2girls``."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from types import MappingProxyType

from ..vocabulary.translations import WordKind
from .word_tokens import Token

MANY = 0  # a count without a number
_MOST_COUNTED = 5  # of persons: above are ``6+girls``
NUMBER_WORDS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_PERSON_NOUNS = MappingProxyType({WordKind.GIRL: "girl", WordKind.BOY: "boy"})
# Of these each colour or length makes a tag of its own: ``long hair, black hair``.
_EACH_ALONE = ("hair", "eyes")
_HAIR_STYLES = frozenset("ponytail twintails braid bangs ahoge".split())
_HAIR_COLOURS = MappingProxyType({"golden": "blonde"})
_SAME_PLURAL = frozenset(
    "sheep deer samurai ninja fish goldfish koi people children friends twins clothes".split()
)
_IRREGULAR = MappingProxyType(
    {
        **{"person": "people", "child": "children", "mouse": "mice", "goose": "geese"},
        **{"wolf": "wolves", "leaf": "leaves", "knife": "knives", "shelf": "shelves"},
        **{"elf": "elves", "thief": "thieves", "snow leopard": "snow leopards"},
    }
)

_COUNT_TAG = re.compile(r"\d\+?(?:girl|boy)s?|multiple (?:girl|boy)s")
_COUNTRIES = MappingProxyType(
    {
        **{"japanese": "japan", "chinese": "china", "korean": "korea", "european": "europe"},
    }
)
# ``-style`` and ``of`` after a country's name.
_STYLE_ENDINGS = frozenset("\u5f0f\u98ce\u98a8\u83ef\u534e\u306e\uc758\ud48d")
# A tag of the vocabulary for what is missing, where its name differs.
_NEGATED = MappingProxyType(
    {
        **{"glasses": "no eyewear", "bespectacled": "no eyewear", "person": "no humans"},
        **{"people": "no humans"},
    }
)


def tags_of(token: Token) -> tuple[str, ...]:
    """Return the tags of a word of the dictionary."""
    return token.entry.tags if token.entry else ()


def lone_modifier_tags(token: Token) -> tuple[str, ...]:
    """Return the tags of a colour or adjective without a noun: a country's name is the country."""
    tags = tags_of(token)
    country = _COUNTRIES.get(tags[0])
    return (country,) if country and token.text[-1] not in _STYLE_ENDINGS else tags


def added_counts(one: int | None, other: int | None) -> int:
    """Return the count of two groups of one noun; without a number there is one."""
    counts = [1 if count is None else count for count in (one, other)]
    return MANY if MANY in counts else sum(counts)


def with_count(tags: Sequence[str], noun: Token, count: int) -> tuple[str, ...]:
    """Return the tags of a person with another count."""
    return (_person_number(_PERSON_NOUNS[noun.kind], count), *without_count(tags))  # type: ignore[index]


def without_count(tags: Sequence[str]) -> tuple[str, ...]:
    """Return the tags of a person without the count."""
    return tuple(tag for tag in tags if not _COUNT_TAG.fullmatch(tag))


def negated_tags(tags: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """Return the tag of a picture without the first of `tags`, if `known` has one."""
    name = _plain(tags[0]) if tags else ""
    tag = _NEGATED.get(name, f"no {name}")
    return (tag,) if tag in known else ()


def held_tags(hold: Token, noun: Token) -> tuple[str, ...]:
    """The tag of a thing in the hand; a verb of umbrellas holds nothing else."""
    if noun.kind is not WordKind.THING:
        return ()
    name = _plain(tags_of(noun)[0])
    (verb,) = tags_of(hold)
    if verb == "holding":
        return (f"holding {name}",)
    return (f"holding {verb}",) if name.endswith(verb) else ()


def noun_tags(noun: Token, modifiers: Sequence[Token], count: int | None) -> tuple[str, ...]:
    main, *others = tags_of(noun)
    if noun.kind in _PERSON_NOUNS:
        return (*_person_tags(noun, main, modifiers, count), *others)
    colours = [tags_of(one)[0] for one in modifiers if one.kind is WordKind.COLOUR]
    adjectives = [tags_of(one)[0] for one in modifiers if one.kind is WordKind.ADJECTIVE]
    words = [*adjectives, *([" and ".join(colours)] if colours else [])]
    if not words and count in (None, 1):
        return (main, *others)
    name = _plain(main)
    if main in _HAIR_STYLES:
        return (main, *others, *(f"{_HAIR_COLOURS.get(word, word)} hair" for word in words))
    if name.endswith(_EACH_ALONE):
        body = "hair" if name.endswith("hair") else "eyes"
        kept = [main] if name != body else []
        described = [f"{_HAIR_COLOURS.get(word, word)} {body}" for word in words]
        return (*kept, *others, *(described if body == "hair" else [f"{w} eyes" for w in words]))
    if count is not None and count != 1:
        name = plural(name)
        if 2 <= count < len(NUMBER_WORDS):
            words.insert(0, NUMBER_WORDS[count])
    return (" ".join([*words, name]), *others)


def _person_tags(
    noun: Token, main: str, modifiers: Sequence[Token], count: int | None
) -> tuple[str, ...]:
    """``1girl``, ``2girls``, ``woman``; with an adjective also ``young woman``."""
    person = _PERSON_NOUNS[noun.kind] if noun.kind else ""
    words = [tags_of(one)[0] for one in modifiers]
    is_counted = main == f"1{person}"
    name = person if is_counted else main
    described = [" ".join([*words, name])] if words or not is_counted else []
    if count is None or count == 1:
        return (*([main] if is_counted else []), *described)
    number = _person_number(person, count)
    return (number, *(plural(text) for text in described))


def _person_number(person: str, count: int) -> str:
    if count == MANY:
        return f"multiple {person}s"
    if count == 1:
        return f"1{person}"
    is_counted = count <= _MOST_COUNTED
    return f"{count}{person}s" if is_counted else f"{_MOST_COUNTED + 1}+{person}s"


def _plain(tag: str) -> str:
    """A tag without its qualifier: ``bow (weapon)`` -> ``bow``."""
    return tag.partition(" (")[0]


def plural(name: str) -> str:
    """Return the plural of an English noun: ``red fox`` -> ``red foxes``."""
    if name in _IRREGULAR:
        return _IRREGULAR[name]
    head, _, last = name.rpartition(" ")
    if head:
        return f"{head} {plural(last)}"
    if name in _SAME_PLURAL or name.endswith("s"):
        return name
    if name.endswith("man"):
        return f"{name[:-3]}men" if name != "human" else "humans"
    if name.endswith(("x", "ch", "sh", "z")):
        return f"{name}es"
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}s"
