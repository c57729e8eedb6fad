"""The content words of a text, as stems, without the words that frame a caption."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...prompt import person_range

_WORD = re.compile(r"[a-z]+(?:['\u2019-][a-z]+)*")
_STOP_WORDS = frozenset(
    """
    a an the this that these those it its he him his she her hers they them their we our you your i
    my me who whom whose which what where when while as is are was were be been being am do does did
    has have had having can could may might will would there here and or but nor not no so than then
    of in on at by for from to with without into onto over under above below near next beside
    between behind before after around across along through up down off out about against among
    inside outside toward towards upon within also too very more most much many some any each every
    all both another other others several few one two three four five six ten lots lot bunch pair
    set piece kind type way part top front side back left right middle center centre end bottom
    s t d ll re ve itself himself herself themselves own same such just only even still well all
    """.split()
)
# Words with which a caption speaks of the picture and not of its subject.
_FRAME = frozenset(
    """
    picture image photo photograph drawing view scene illustration background quiet close look looks
    looking show shows shown showing see sees seen seem drawn draw made take takes taken taking
    place set setting depicted depict depicts visible featuring feature features contain contains
    wear wears wearing dressed hold holds holding stand stands standing sit sits sitting lie lies
    lying lay laying put get gets got make makes using use uses used large small big little old new
    full far viewer camera nearby today together
    """.split()
)
_GIRL = ("girl", "woman", "lady", "female", "women")
_BOY = ("boy", "man", "guy", "male", "men", "gentleman")
_ANYONE = ("person", "people", "human", "child", "children", "kid", "young", "someone", "figure")
_SEVERAL = ("group", "couple", "crowd", "family")


def content_words(text: str) -> list[str]:
    """Return the stems of the content words, in their order."""
    words = _WORD.findall(text.casefold().replace("_", " "))
    return [
        stem(word)
        for word in words
        if len(word) > 1 and word not in _STOP_WORDS and word not in _FRAME
    ]


def stem(word: str) -> str:
    """Return a word without the usual endings of English, so that its forms compare equal."""
    word = re.split(r"['\u2019]", word)[0]
    for ending, other in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + other
            break
    else:
        if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
            word = word[:-1]
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]  # running, run
    return word[:-1] if word.endswith(("e", "y")) and len(word) > 3 else word


# Words that most pictures share, as stems: they are no subject.
SETTING = frozenset(
    map(
        stem,
        "day night evening morning sunset sunrise dusk dawn indoors outdoors nature sky cloud "
        "cloudy blue black white grey red".split(),
    )
)


def known_words(texts: Iterable[str], tags: Iterable[str]) -> frozenset[str]:
    """Return the stems of the words in `texts` and `tags`, and of words for the persons counted.

    ``1girl`` knows girl and woman, an open count knows people and group.
    """
    listed = list(tags)
    found = {word for text in (*texts, *listed) for word in content_words(text)}
    persons: list[str] = []
    for counted in map(person_range, listed):
        if counted is None or counted[1] == 0:
            continue
        kind, low, high = counted
        persons += _ANYONE
        persons += _GIRL if kind == "girl" else _BOY if kind == "boy" else ()
        persons += _SEVERAL if low > 1 or high is None else ()
    for kinds in (_GIRL, _BOY):
        if not found.isdisjoint(map(stem, kinds)):
            persons += (*kinds, *_ANYONE)
    return frozenset(found).union(map(stem, persons))
