"""The words for persons, and the words around them: `assets/slots/persons.txt`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from ..vocabulary.names import NAMES_FILE
from ..vocabulary.word_tables import PhraseTable, entries, folded, sections

GIRL, BOY, PERSON = "girl", "boy", "person"
MOSTLY_MEN, WITH_ARTICLE = "mostly men", "with article"
PEOPLE, COUPLE, FAMILY = "people", "couple", "family"
PERHAPS, PERHAPS_ALONE, PORTRAIT = "perhaps", "perhaps without an animal", "portrait"
PAIRS = MappingProxyType({"two girls": GIRL, "two boys": BOY})
NOT_PERSONS, NO_PERSON = "not persons", "no person"
COUNTED = (GIRL, BOY, PERSON, MOSTLY_MEN, WITH_ARTICLE)

_NO_PHRASES = frozenset(
    (
        *("after a person", "after any person", "adjectives", "numbers", "says nothing", "trades"),
        *("names and words", "dressed animals", "animal roles"),
    )
)
STOPS = frozenset(".,;:!?()")
# Regular endings, and what stands in their place in the word itself.
_ENDINGS = MappingProxyType(
    {
        **{"s": ("",), "es": ("",), "ies": ("y",), "ed": ("", "e"), "ing": ("", "e")},
        **{"ly": ("",), "y": ("", "e"), "er": ("", "e"), "est": ("", "e")},
    }
)


@dataclass(frozen=True)
class PersonTable:
    phrases: PhraseTable[tuple[str, bool]]
    nothing: PhraseTable[bool]
    says_nothing: frozenset[str]
    after: frozenset[str]
    after_any: frozenset[str]
    common: frozenset[str]
    adjectives: frozenset[str]
    numbers: dict[str, int]
    ordinary: frozenset[str]
    trades: frozenset[str]
    words_too: frozenset[str]
    dressed_animals: frozenset[str]
    animal_roles: frozenset[str]

    def is_trade(self, word: str) -> bool:
        """Return whether a noun before the word makes a trade: `yoga instructor`."""
        return word in self.trades

    def is_rare(self, word: str) -> bool:
        """Return whether a word is in no list of ordinary words, also without a regular ending."""
        if word in STOPS or not word.isalpha():
            return False
        forms = {word}
        for ending, others in _ENDINGS.items():
            if word.endswith(ending) and len(word) > len(ending) + 2:
                forms.update(word.removesuffix(ending) + other for other in others)
        return forms.isdisjoint(self.ordinary)


@cache
def person_table() -> PersonTable:
    lists = {title: list(entries(lines)) for title, lines in sections("persons.txt")}
    phrases: dict[str, tuple[str, bool]] = {}
    for kind, texts in lists.items():
        if kind in _NO_PHRASES:
            continue
        for text in texts:
            phrase = folded(text)
            phrases.setdefault(phrase, (kind, False))
            if kind.startswith("given "):
                phrases.setdefault(f"{phrase}'s", (kind, False))
            if kind in COUNTED:
                phrases.setdefault(_plural(phrase), (kind, True))
                phrases.setdefault(f"{phrase}'s", (kind, False))
    for text in lists[NOT_PERSONS]:
        phrases.setdefault(_plural(folded(text)), (NOT_PERSONS, True))
        phrases[folded(text)] = (NOT_PERSONS, False)
    ordinary: set[str] = set()
    for line in NAMES_FILE.with_name("ordinary_words.txt").read_text("utf-8").splitlines():
        ordinary.update(word for part in line.partition("#")[0].split() for word in part.split("_"))
    nothing = {folded(text): True for text in lists["says nothing"]}
    return PersonTable(
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
        frozenset(form for text in lists["trades"] for form in (text, _plural(text))),
        frozenset(map(folded, lists["names and words"])),
        frozenset(lists["dressed animals"]),
        frozenset(lists["animal roles"]),
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
