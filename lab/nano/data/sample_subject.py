"""The subject of a sample: which tags belong to it, and which sentences speak of nothing else.

The library's own rules for expansions decide both, so that a sample is like the requests and the
answers that an expansion has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from tipo_core.expansion.caption_rules.aspects import COLORS
from tipo_core.expansion.pair_prior.evidence import find_evidence
from tipo_core.expansion.pair_prior.guide import TagGuide
from tipo_core.expansion.policy import TagPolicy
from tipo_core.expansion.tasks import Field
from tipo_core.prompt.persons.persons import Presence, named_persons
from tipo_core.prompt.vocabulary.pairs import shipped_pairs
from tipo_core.prompt.vocabulary.word_forms import singular_forms

from ...pairs.corpus_sets import read_rows

# Kinds of words that are no tags of a request: the count tags say who is in a picture.
_NO_TAGS = frozenset(("count", "quality", "other", "medium"))
_PERSONS_IN_WORDS = frozenset(
    """man woman boy girl men women boys girls lady guy people person child children kid kids baby
    family couple crowd male female group player""".split()
)

# Nouns that are other parts of speech, or no thing, in captions.
_NO_NOUNS = frozenset(
    """top side back front area group close open with look stand head hand arm leg foot face eye
    hair body nose mouth ear finger shoulder can set pair bunch piece lot way end part left right
    middle center edge corner line row bit kind sort type use play ride work rest run walk sit fly
    light dark white black red green blue yellow brown orange pink gray grey purple day night
    morning while over out for being room lead cover fill hold catch pass watch wear dress
    blend match cut pitch swing hit jump show shot pose smile point turn stop drive park land
    wait cross board holder figure view scene background foreground distance direction one
    woman man""".split()
)


class Subject:
    """The tags of one picture; they grow, and judge the sentences of its caption."""

    def __init__(self, typed: Sequence[str]) -> None:
        self.tags = list(typed)
        self._policy = TagPolicy(typed)
        self.persons = self._policy.persons
        self._guide = TagGuide(typed, [], self.persons)

    def propose(self, most: int, seed: int) -> list[str]:
        """Add up to `most` tags that go with those present, and return them."""
        added = self._guide.propose(most, seed, lambda tag: not self._accept(tag))
        self.tags += added
        return added

    def add(self, tags: Iterable[str]) -> None:
        """Add the tags that neither repeat nor contradict those present."""
        for tag in tags:
            if self._guide.refuse(tag) is None and self._accept(tag):
                self._guide.note(tag, True)
                self.tags.append(tag)

    def _accept(self, tag: str) -> bool:
        if self._policy.refuse(Field.TAG, tag) is not None:
            return False
        self._policy.accept(Field.TAG, tag)
        return True

    def fits(self, sentence: str) -> bool:
        """Return whether a sentence names nothing but the tags, and contradicts none of them."""
        refused = self._policy.refuse(Field.LONG, sentence)
        return refused is None and self._guide.refuse_sentence(sentence) is None

    def take(self, sentence: str) -> None:
        """Add a sentence to the caption; later ones must not contradict it."""
        self._policy.accept(Field.LONG, sentence)


def named_tags(sentences: Iterable[str], nouns: frozenset[str] = frozenset()) -> list[str]:
    """Return the tags that the words of a caption name, persons as counts before all others.

    These are entries of the pair table, other `nouns` as they stand, and things with the colour
    before them, so that a model that reads the tags need not invent any.
    """
    table = shipped_pairs()
    text = " ".join(sentences)
    tags = []
    for found in find_evidence([text], table).found:
        name = table.names[found.entry]
        if table.kind(found.entry) not in _NO_TAGS and name not in _PERSONS_IN_WORDS:
            tags.append(name)
    words = re.findall(r"[a-z][a-z'-]*|[,.]", text.lower())
    known = {word for tag in tags for word in tag.split()}
    for place, (before, word) in enumerate(pairwise(["", *words])):
        forms = (word, *singular_forms(word))
        noun = next((form for form in forms if form in known), "")
        if not noun:
            noun = next((form for form in forms if form in nouns), "")
            if noun and noun not in _PERSONS_IN_WORDS | _NO_NOUNS:
                tags.append(noun)
        if noun and before in COLORS:
            whole = f"{noun} {' '.join(words[place + 1 : place + 2])}"
            noun = whole if whole in tags else noun
            if f"{before} {noun}" not in tags:
                tags.append(f"{before} {noun}")
    persons = named_persons(text)
    counts = list(persons.tags)
    if persons.presence is Presence.SOME and persons.most == 1 and "solo" not in counts:
        counts.append("solo")
    tags = list(dict.fromkeys(tags))
    parts = {tag.split(" ", 1)[1] for tag in tags if tag.split(" ")[0] in COLORS and " " in tag}
    return [*counts, *(tag for tag in tags if tag not in parts)]


def read_nouns(data: Path) -> frozenset[str]:
    """Return the nouns of things, animals, plants and food of WordNet; empty without its file."""
    path = data / "wordnet_things.jsonl.gz"
    if not path.exists():
        return frozenset()
    words = (row["word"] for row in read_rows(path))
    return frozenset(word for word in words if len(word) > 2 and word.isalpha())
