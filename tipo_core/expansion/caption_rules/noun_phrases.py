"""English phrases for tags: articles, plurals, lists and verbs.

All tables are written by hand for this project.
"""

from __future__ import annotations

import re

_UNCOUNTED = frozenset(
    """hair water fire grass food armor jewelry rice bread coffee tea meat denim machinery
    footwear serafuku hakama sky rain snow eyewear chocolate juice cheese ketchup bamboo
    sunlight moonlight paper skin fog wind stubble lightning night day evening morning dusk sky
    scenery sunrise sunset winter summer autumn starry ice honey iron paint pasta gnocchi sand mud
    moss ivy bamboo smoke steam dust glass metal wood wine beer milk butter cream sugar salt flour
    soup noodles spaghetti sushi tofu seaweed seafood bacon ham beef pork salmon tuna caviar
    clothing underwear furniture luggage hay lava magma sunshine darkness lace leather fur cotton
    silk wool gold silver copper concrete rubble debris graffiti jam yogurt oatmeal porridge
    lettuce spinach cabbage broccoli cauliflower garlic ginger parsley basil mint granola ramen
    popcorn toast curry pottery porcelain ceramic equipment music art foam lightning thunder
    aurora coral wheat corn lumber coal jewelry cutlery tableware cookware software hail frost
    vegetation foliage wildlife cattle livestock poultry traffic""".split()
)
_PLURAL_LAST = frozenset(
    """blossoms pants kneehighs socks glasses leaves noodles people children men women fries
    scissors sheep deer cattle jeans""".split()
)


_SINGULAR = frozenset("thermos rhinoceros cosmos chaos albatross canvas atlas gas lens".split())
_IRREGULAR = {
    "wolf": "wolves", "knife": "knives", "shelf": "shelves", "loaf": "loaves", "leaf": "leaves",
    "mouse": "mice", "goose": "geese", "ox": "oxen", "man": "men", "woman": "women",
    "child": "children", "foot": "feet", "tooth": "teeth", "potato": "potatoes",
    "tomato": "tomatoes", "volcano": "volcanoes", "snowman": "snowmen",
}  # fmt: skip


def with_article(tag: str) -> str:
    """Return `tag` as a noun phrase: 'red bow' -> 'a red bow', 'gloves' -> 'gloves'."""
    last = tag.split(" of ")[0].rsplit(" ", 1)[-1]
    is_s = last.endswith("s") and not last.endswith(("ss", "us", "is"))
    if last in _PLURAL_LAST or (is_s and last not in _SINGULAR):
        return tag
    if last in _UNCOUNTED and not (last == "glass" and last != tag):
        return tag
    return f"{_article(tag)} {tag}"


def _article(phrase: str) -> str:
    return (
        "an"
        if phrase[0] in "aeiou"
        and not phrase.startswith(("uni", "eu", "one", "uten", "util", "us"))
        else "a"
    )


def is_plural(tag: str) -> bool:
    """Return whether the noun phrase of `tag` takes a plural verb."""
    last = tag.split(" of ")[0].rsplit(" ", 1)[-1]
    return with_article(tag) == tag and last not in _UNCOUNTED


def listed(phrases: list[str]) -> str:
    """Return 'a, b and c'."""
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"


def plural(tag: str) -> str:
    """Return the plural of a noun phrase."""
    if with_article(tag) == tag:
        return tag
    if tag.endswith("s"):
        return f"{tag}es"
    start, _, last = tag.rpartition(" ")
    if last in _IRREGULAR:
        return f"{start} {_IRREGULAR[last]}".strip()
    if tag.endswith(("sh", "ch", "x")):
        return f"{tag}es"
    return f"{tag[:-1]}ies" if re.search("[^aeiou]y$", tag) else f"{tag}s"


def bare(tag: str) -> str:
    """Return a tag without the note in parentheses: `star (sky)` as `star`."""
    return re.sub(r" \(.*\)$", "", tag)


_VERBS = {"kiss": "kiss", "hug": "hug", "is": "are", "has": "have", "does": "do", "lies": "lie"}


def plural_verb(verb: str) -> str:
    """Return a verb phrase in the plural: `looks back` as `look back`."""
    head, _, rest = verb.partition(" ")
    if head in _VERBS:
        head = _VERBS[head]
    elif head.endswith("ies"):
        head = f"{head[:-3]}y"
    elif head.endswith(("sses", "shes", "ches", "xes", "zzes")):
        head = head[:-2]
    else:
        head = head.removesuffix("s")
    return f"{head} {rest}".strip()


def finish(sentence: str) -> str:
    """Return a sentence with single blanks, a capital letter and a full stop."""
    text = " ".join(sentence.split())
    return text[0].upper() + text[1:] + "."
