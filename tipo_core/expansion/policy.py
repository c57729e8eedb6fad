"""Which tags and sentences may be added: those that fit the prompt and are not banned."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType

from ..prompt import (
    Bans,
    Category,
    canonical,
    category,
    person_range,
    ranges_contradict,
    split_sentences,
)
from ..prompt.persons.denied_tags import DeniedTags
from ..prompt.persons.denied_words import affirmed
from ..prompt.persons.persons import Persons, Presence, named_persons, persons_of
from ..prompt.vocabulary.asked import AskedFor
from ..prompt.vocabulary.blocklist import blocklist_matches
from ..prompt.vocabulary.kinds import ANIMAL, CREATURE, PERSON_KINDS, kind_of, sex_of
from ..prompt.vocabulary.slots import PromptSlots
from .tasks import Field

# Reasons of a refusal; every other reason is an entry of the bans.
REPEATED = "repeated"
CONTRADICTS = "contradicts"
PROSE = "prose"
BLOCK_LIST = "block list"
NOT_ASKED = "not asked for"
NO_PERSON = "no person here"
NOT_KNOWN = "not a known tag"
OFF_SUBJECT = "off the subject"
FRAGMENT = "no whole sentence"
OTHER_SEX = "for the other sex"

# A sentence ends and the next one begins. A full stop alone is not a sign: `kimi no na wa.` and
# `st. gloriana's military uniform` are tags.
_TWO_SENTENCES = re.compile(r"\w{2}\.\s+[A-Z]")


_OWN_REASONS = frozenset(
    (
        REPEATED,
        CONTRADICTS,
        PROSE,
        NOT_ASKED,
        NO_PERSON,
        NOT_KNOWN,
        OFF_SUBJECT,
        FRAGMENT,
        OTHER_SEX,
    )
)
# Characters of a prompt that are read for what it is about.
_MOST_CHARACTERS = 20_000
_MOST_OF_PIECE = 2_000
# `a suit and a suit`, not `more and more`: both have an article or a possessive.
_SAME_TWICE = re.compile(
    r"\b(?:an?|the|his|her|their|its) ([\w -]{2,40}?),? and (?:an?|the|his|her|their|its) \1\b",
    re.I,
)


def is_prose(tag: str) -> bool:
    """Return whether the model wrote sentences in place of a tag."""
    return bool(_TWO_SENTENCES.search(tag))


def banned_counts(rejected: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of the rejections that an entry of the bans or the block list caused."""
    return {reason: count for reason, count in rejected.items() if reason not in _OWN_REASONS}


class TagPolicy:
    """Knows the tags and sentences of a prompt; refuses new ones with a reason.

    `tags` and `captions` (the text of each field) are the user's and are not judged. `safe` turns
    the block list on. The first 20,000 characters of the prompt decide what it is about.
    Tags of `elsewhere` stand in a prompt before an AND: they fill no exclusive slot of this one.
    """

    def __init__(
        self,
        tags: Iterable[str] = (),
        captions: Mapping[Field, str] = MappingProxyType({}),
        *,
        bans: Bans | None = None,
        safe: bool = False,
        elsewhere: Collection[str] = (),
    ) -> None:
        self.bans = bans or Bans()
        self.safe = safe
        # Is told of each accepted tag and sentence, for a host that shows them.
        self.on_accept: Callable[[Field, str], None] | None = None
        typed = list(tags)
        # The persons that the user names, as tags or in words.
        self.persons = persons_of(typed, captions.values())
        # The canonical names of the prompt's tags.
        self.present: set[str] = set()
        self._person_ranges = _word_ranges(self.persons)
        self._sentences: set[tuple[Field, str]] = set()
        self._slots = PromptSlots(max(1, self.persons.most or 1))
        self._asked: AskedFor | None = None
        self._denied = DeniedTags()
        self._has_animal = self.persons.has_animal
        self._room = _MOST_CHARACTERS
        for tag in typed:
            self._accept_typed(Field.TAG, tag, tag in elsewhere)
        for field, caption in captions.items():
            for sentence in split_sentences(caption):
                self._accept_typed(field, sentence)
        self._count_persons()

    def unasked_tags(self) -> frozenset[str]:
        """Return style and filler tags that the prompt does not ask for.

        A caller may keep the model from writing them; `refuse` refuses them, and more, anyway.
        """
        return frozenset() if self._asked is None else self._asked.unasked()

    @property
    def has_denials(self) -> bool:
        """Whether the prompt denies a thing."""
        return bool(self._denied)

    def denies(self, tag: str) -> bool:
        """Return whether the prompt denies what a tag shows: `no cars`, `cloudless`."""
        return self._denied.names(tag)

    def _accept_typed(self, field: Field, piece: str, is_elsewhere: bool = False) -> None:
        is_tag = field is Field.TAG
        self._note(field, piece)
        self._room -= len(piece)
        if self._room > 0 and piece.strip():
            piece = piece[:_MOST_OF_PIECE]
            if not is_tag or category(piece) is Category.GENERAL:
                self._denied.add(piece)
                piece = affirmed(piece)
            if not is_elsewhere:
                self._slots.add(piece, is_sentence=not is_tag, is_typed=True)
            self._asked = self._asked or AskedFor()
            self._asked.add(piece, is_tag=is_tag)

    def accept(self, field: Field, piece: str) -> None:
        """Add `piece`, a tag or a sentence, to the prompt."""
        self._note(field, piece)
        self._slots.add(piece, is_sentence=field is not Field.TAG)
        if field is Field.TAG:
            self._has_animal |= kind_of(piece) == ANIMAL
        self._count_persons()
        if self.on_accept is not None:
            self.on_accept(field, piece)

    def assume_alone(self) -> None:
        """Take the one person that the prompt names for the only one in the picture."""
        if self.persons.most == 1:
            self._slots.add("solo")

    def _note(self, field: Field, piece: str) -> None:
        if field is not Field.TAG:
            self._sentences.add((field, _folded(piece)))
            return
        name = canonical(piece)
        self.present.add(name)
        persons = person_range(name)
        if persons is not None:
            self._person_ranges.append(persons)

    def _count_persons(self) -> None:
        """Give the slots the number of persons: what the user says, else what the tags count."""
        if self.persons.presence is Presence.SOME and not self.persons.is_typed:
            self._slots.persons = self.persons.most
            return
        if "solo" in self.present:
            self._slots.persons = 1
            return
        tops: dict[str, int | None] = {}
        for sex, _, high in self._person_ranges:
            if sex != "person":
                tops[sex] = None if high is None else max(high, tops.get(sex) or 0)
        is_open = None in tops.values()
        self._slots.persons = None if is_open else max(1, sum(top or 0 for top in tops.values()))

    def refuse(self, field: Field, piece: str) -> str | None:
        """Return the reason why `piece` must not be added, None if it may."""
        if field is Field.TAG:
            name = canonical(piece)
            if not name or name in self.present:
                return REPEATED
            if self._contradicts_persons(name) or self._slots.contradiction(name):
                return CONTRADICTS
            if self.denies(name):
                return CONTRADICTS
            if is_prose(piece):
                return PROSE
            reason = self.bans.reason(piece, self.present) or self._unfit(name)
        else:
            if (field, _folded(piece)) in self._sentences or _repeats_itself(piece):
                return REPEATED
            reason = self._unfit_sentence(piece)
            reason = self.bans.sentence_reason(piece, self.present) or reason
        if reason is None and self.safe and blocklist_matches(piece):
            return BLOCK_LIST
        return reason

    def _contradicts_persons(self, name: str) -> bool:
        """Return whether a tag counts other persons than the prompt."""
        added = person_range(name)
        if added is None:
            return False
        if any(ranges_contradict(added, other) for other in self._person_ranges):
            return True
        sex, low, high = added
        if self.persons.presence is Presence.SOME and not self.persons.is_typed:
            if name == "no humans":
                return True
            least = max(1, self.persons.girls[0] + self.persons.boys[0])
            if sex == "person":
                return high is not None and least > high
            counted = sum(self._least(one) for one in ("girl", "boy", "other") if one != sex)
            return self.persons.most is not None and counted + low > self.persons.most
        return False

    def _least(self, sex: str) -> int:
        return max((low for one, low, _ in self._person_ranges if one == sex), default=0)

    def _unfit(self, name: str) -> str | None:
        """Return why a tag does not fit what the prompt is about, None if it does."""
        kind = kind_of(name)
        counted = person_range(name)
        if self.persons.presence is Presence.NONE and name != "no humans":
            is_person = kind in PERSON_KINDS or (counted is not None and not self._has_animal)
            if is_person or (counted is not None and name != "solo"):
                return NO_PERSON
            if kind == CREATURE and not self._has_animal:
                return NO_PERSON
        if self._is_for_other_sex(name):
            return OTHER_SEX
        if self._asked is not None and self._asked.refuses(name):
            return NOT_ASKED
        return None

    def _is_for_other_sex(self, name: str) -> bool:
        sex = sex_of(name)
        if sex is None:
            return False
        if self._is_of_open_sex():
            return True
        has_girls, has_boys = self._has("girl"), self._has("boy")
        return has_boys and not has_girls if sex == "women" else has_girls and not has_boys

    def _is_of_open_sex(self) -> bool:
        """Return whether words name persons, and neither they nor tags say a sex."""
        named = self.persons
        if named.presence is not Presence.SOME or named.is_typed:
            return False
        says_sex = named.girls[0] or named.boys[0] or named.most == 2  # a couple
        return not says_sex and all(sex == "person" for sex, low, _ in self._person_ranges if low)

    def _has(self, sex: str) -> bool:
        """Return whether the prompt has, or may have, persons of a sex besides the counted ones."""
        if self.persons.presence is Presence.SOME and not self.persons.is_typed:
            low, high = self.persons.girls if sex == "girl" else self.persons.boys
            if low or high is None or high > 0:
                return True
        return any(one == sex and high != 0 for one, _, high in self._person_ranges)

    def _unfit_sentence(self, sentence: str) -> str | None:
        """Return why a sentence does not fit what the prompt is about, None if it does."""
        if self.denies(sentence):
            return CONTRADICTS
        named = named_persons(sentence)
        if named.presence is Presence.SOME:
            if self.persons.presence is Presence.NONE:
                return NO_PERSON
            for sex, (low, _) in (("girl", named.girls), ("boy", named.boys)):
                ranges = [one for one in self._person_ranges if one[0] != "person"]
                if low and ranges and not any(one == "other" for one, _, _ in ranges):
                    tops = [high for one, _, high in ranges if one == sex]
                    if not tops or (None not in tops and low > max(top or 0 for top in tops)):
                        return CONTRADICTS
        return CONTRADICTS if self._slots.contradiction(sentence, is_sentence=True) else None

    def refuse_meta(self, key: str, value: str) -> str | None:
        """Return the reason why metadata `key: value` must not be proposed, None if it may."""
        entry = self.bans.category_reason(key, self.present)
        entry = entry or self.bans.reason(value, self.present)
        if entry is None and self.safe and blocklist_matches(value):
            return BLOCK_LIST
        return entry


def _folded(sentence: str) -> str:
    """Return a sentence in the form in which two spellings compare equal."""
    return " ".join(sentence.split()).casefold()


def _word_ranges(persons: Persons) -> list[tuple[str, int, int | None]]:
    """Return the ranges of the persons that words name, or counts inside a longer text."""
    if persons.is_typed:
        sexed = [("girl", *persons.girls), ("boy", *persons.boys)]
        alone = [("person", 1, 1)] if "solo" in persons.tags else []
        return [one for one in sexed if one[1]] + alone
    if persons.presence is not Presence.SOME:
        return []
    return [("girl", *persons.girls), ("boy", *persons.boys)]


def _repeats_itself(sentence: str) -> bool:
    """Return whether a sentence joins the same thing twice."""
    return _SAME_TWICE.search(sentence) is not None
