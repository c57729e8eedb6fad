"""The pack's tables of persons, slots, kinds and style words, as the measures ask them.

The same tables steer the expansion. A fault that they overlook is overlooked here too. The overlap
between requests, the scorer and the labels `persons` of a request do not depend on them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...expansion.user_text import UserTags, plain_caption
from ...prompt import canonical, person_range, split_sentences
from ...prompt.persons.persons import Persons, Presence, persons_of
from ...prompt.vocabulary.asked import AskedFor
from ...prompt.vocabulary.kinds import PERSON_KINDS, kind_of, sex_of
from ...prompt.vocabulary.slots import PromptSlots
from ...prompt.vocabulary.tags import ranges_contradict
from .answers import ExpandedText

_ANYONE = frozenset(("girl", "boy", "other"))


@dataclass(frozen=True)
class AskedPersons:
    """Whom a request asks for.

    `kinds` are the sexes that a person tag may count: "girl", "boy", "other"; empty for nobody.
    `is_unclear` says that the request names no subject, or one that may be a person. `is_typed`
    says that a person tag is typed, `most` is the largest number of persons, None if it is open.
    """

    kinds: frozenset[str]
    is_unclear: bool
    is_typed: bool
    most: int | None

    @property
    def is_nobody(self) -> bool:
        """Whether the request is about something else than persons."""
        return not self.kinds and not self.is_unclear


class TypedText:
    """The request of an answer in plain words: its tags and its caption."""

    def __init__(self, answer: ExpandedText) -> None:
        self.tags = UserTags(answer.tags).plain
        self.caption = plain_caption(answer.caption)
        self.persons = self._persons(answer)

    def _persons(self, answer: ExpandedText) -> AskedPersons:
        """Return whom the request asks for: by its label, else by its tags and words."""
        found = persons_of(self.tags, [self.caption] if self.caption else [])
        counts = [one for tag in self.tags if (one := person_range(canonical(tag)))]
        is_typed = any(kind != "person" and low for kind, low, _ in counts)
        label = answer.request.persons
        if label is None:
            is_unclear = found.presence in (Presence.OPEN, Presence.PERHAPS)
            return AskedPersons(_kinds(found), is_unclear, is_typed, found.most)
        labels = [one for tag in label if (one := person_range(canonical(tag))) and one[1]]
        highest = [high for _, _, high in labels]
        most = None if None in highest else max((one for one in highest if one), default=0)
        return AskedPersons(frozenset(kind for kind, _, _ in labels), False, is_typed, most)

    def asked_for(self) -> AskedFor:
        """Return the style and filler words that the request asks for."""
        asked = AskedFor()
        for tag in self.tags:
            asked.add(tag, is_tag=True)
        for sentence in split_sentences(self.caption):
            asked.add(sentence, is_tag=False)
        return asked

    def slots(self, answer: ExpandedText) -> PromptSlots:
        """Return the slots that the request fills.

        They hold for one person unless the request or the additions have several.
        """
        is_open = bool(self.persons.kinds) and self.persons.most != 1
        counts = [one for tag in self.tags if (one := person_range(canonical(tag)))]
        for tag in answer.added_tags:
            added = person_range(canonical(tag))
            if added and not any(ranges_contradict(added, other) for other in counts):
                counts.append(added)
        kinds = {kind for kind, _, _ in counts if kind != "person"}
        is_open |= len(kinds) > 1 or any(kind in kinds and high != 1 for kind, _, high in counts)
        slots = PromptSlots(None if is_open else 1)
        for tag in self.tags:
            slots.add(tag, is_typed=True)
        for sentence in split_sentences(self.caption):
            slots.add(sentence, is_sentence=True, is_typed=True)
        return slots


def _kinds(persons: Persons) -> frozenset[str]:
    if persons.presence is not Presence.SOME:
        return frozenset()
    ranges = {"girl": persons.girls, "boy": persons.boys}
    sure = frozenset(sex for sex, (low, _) in ranges.items() if low)
    return sure or _ANYONE


def needs_person(tag: str) -> bool:
    """Return whether a tag is wear, hair, a part of the body or a pose, which need a person."""
    return kind_of(tag) in PERSON_KINDS


def is_girls_wear(tag: str) -> bool:
    """Return whether a tag is wear or hair that the tables give to women alone."""
    return sex_of(tag) == "women"
