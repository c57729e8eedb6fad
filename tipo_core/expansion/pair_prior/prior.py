"""The pair prior: what goes with the words of a request, by counted and written pairs.

A candidate's score is the sum of its log lifts with the entries present, the strongest in full and
each further one at half of the one before:

    score(c) = sum_k 2^-k lift_k(c) w_k  +  the most negative lift

So ten weak hints do not outweigh a strong one, and an entry that rules a candidate out is heard.
A concrete thing needs evidence from the subject or the setting, and what a person wears or holds
from a word that is no thing, or a tag: details of a sentence (`a man with a flute`) bring neither.
The probability of a candidate is about ``share(c) exp(score(c))``.
"""

from __future__ import annotations

import math
import random
from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType

from ...prompt.vocabulary.pairs import PERSONS, TAG_LISTS, TEXTS, WRITTEN, PairTable, shipped_pairs
from .evidence import DETAIL, SUBJECT, Evidence, FoundEntry
from .evidence_rules import is_weak

# Scores for a language model are clipped to plus or minus this, in nats.
LARGEST_SCORE = 3.0
LEAST_SCORE = 0.3
# Each further positive lift of a candidate counts this much of the one before.
_NEXT_LIFT = 0.5
# A lift below this means that no picture has both.
_NEVER = -4.0
# Tags of one proposal, drawn by the seed; the caller may ask for fewer.
_LENGTHS = (7, 8, 9, 10, 11)

# A proposed tag has at least this probability beside the request; one known from counts alone
# needs more, and more lift.
_LEAST_PROBABILITY = 0.07
_LEAST_COUNTED_PROBABILITY = 0.08
_LEAST_COUNTED_LIFT = 1.2
# The same beside a subject that has a written list.
_LEAST_BESIDE_WRITTEN = 0.15
_MANY_WRITTEN = 8
# Beside this probability of `outdoors` or `indoors`, words that it rules out are not proposed.
_IMPLIED_PROBABILITY = 0.35
# Share of the lift in the order of candidates: a telling tag goes before a common one.
_LIFT_IN_ORDER = 0.2
# Spread of the random part of the order, in nats.
_SPREAD = 0.55
_SEED_STEP = 1_000_003  # a prime above the sums of entries
_NO_HUMANS = "no humans"
_STILL_LIFE = "still life"
# Tags that say that a picture is about something else than persons.
WITHOUT_PERSONS = frozenset(
    (
        *(_NO_HUMANS, _STILL_LIFE, "animal focus", "food focus", "vehicle focus", "object focus"),
        *("mecha focus", "plant focus", "weapon focus"),
    )
)
_IMPLIED = ("outdoors", "indoors")

# The most tags of each kind in one proposal without persons; other kinds are not proposed.
_ROOM: Mapping[str, int] = MappingProxyType(
    {
        "count": 1, "framing": 2, "medium": 1, "place": 3, "nature": 4, "weather": 2, "time": 1,
        "season": 1, "light": 2, "material": 3, "world": 1, "thing": 4, "animal": 1, "plant": 2,
        "food": 3, "creature": 2, "creature pose": 1,
    }
)  # fmt: skip
# Kinds that say where and when the picture is. A place in the request decides them.
_SETTINGS = frozenset("place nature weather".split())
_LANDMARKS = frozenset("place thing animal".split())
_CREATURE_KINDS = frozenset(("creature", "creature pose"))
# Places that hold for half of all pictures: they decide nothing.
_WIDE_PLACES = frozenset(
    ("outdoors", "indoors", "nature", "scenery", "rural", "urban", "abandoned")
)


class PairPrior:
    """Scores every entry of the pair table beside the entries present."""

    def __init__(
        self,
        evidence: Evidence,
        table: PairTable | None = None,
        place: str | None = None,
        *,
        with_person: bool = False,
    ) -> None:
        self.table = table or shipped_pairs()
        self.evidence = evidence
        self.with_person = with_person or evidence.mentions_person
        # `outdoors` or `indoors` where the request says it.
        self.place = place
        self._present: set[int] = set()
        self._lifts: dict[int, list[float]] = {}  # positive ones, ascending
        self._lowest: dict[int, float] = {}
        self._sources: dict[int, int] = {}
        for found in evidence.found:
            self._add(found)

    def accept(self, tag: str, weight: float = 1.0) -> None:
        """Add a tag to the entries present, by its name in the table; ignore an unknown one."""
        entry = self.table.entry(tag)
        if entry is not None:
            self._add(FoundEntry(entry, weight))

    def _add(self, found: FoundEntry) -> None:
        if found.entry in self._present:
            return
        self._present.add(found.entry)
        for name in ("_anchors", "_has_list"):
            self.__dict__.pop(name, None)
        with_person = self.with_person
        # Beside a person, the list of a dress as a lone thing does not hold.
        unfit = WRITTEN if with_person and self.table.kind(found.entry) == "wear" else 0
        unfit = unfit if with_person else PERSONS
        for entry, lift, sources in self.table.pairs(found.entry):
            if sources == unfit:
                continue
            if lift > 0:
                if is_weak(self.table, found, entry, self._is_about_thing):
                    continue
                insort(self._lifts.setdefault(entry, []), lift * found.weight)
                self._sources[entry] = self._sources.get(entry, 0) | sources
            else:
                value = lift if lift <= _NEVER else lift * found.weight
                self._lowest[entry] = min(value, self._lowest.get(entry, 0.0))

    @cached_property
    def _is_about_thing(self) -> bool:
        """Whether the request is about an animal or a thing: a genre gives it no landscape."""
        return any(
            one.role == SUBJECT and self.table.kind(one.entry) in ("animal", "thing", "food")
            for one in self.evidence.found
        )

    def is_present(self, entry: int) -> bool:
        """Whether an entry is in the prompt."""
        return entry in self._present

    def is_ruled_out(self, tag: str) -> bool:
        """Whether an entry present excludes a tag, or its place does."""
        entry = self.table.entry(tag)
        if entry is None:
            return False
        is_never = self._lowest.get(entry, 0.0) <= _NEVER
        return entry in self._present or is_never or entry in self._ruled_out_by_setting()

    @property
    def implied_place(self) -> str | None:
        """`outdoors` or `indoors`, if the entries present imply one of them alone."""
        entries = [(name, self.table.entry(name)) for name in _IMPLIED]
        likely = [name for name, entry in entries if entry is not None and self._implies(entry)]
        return likely[0] if len(likely) == 1 else None

    def is_of_persons(self, entry: int) -> bool:
        """Whether a list of persons' roles and activities names the entry beside those present."""
        return bool(self._sources.get(entry, 0) & PERSONS)

    def score(self, entry: int) -> float:
        """The score of an entry in nats: its log lift beside the entries present, 0 if unknown."""
        total, factor = self._lowest.get(entry, 0.0), 1.0
        for lift in reversed(self._lifts.get(entry, ())):
            total += factor * lift
            factor *= _NEXT_LIFT
        return total

    def score_of(self, tag: str) -> float:
        """The score of a tag in nats, 0 if the table lacks it."""
        entry = self.table.entry(tag)
        return 0.0 if entry is None else self.score(entry)

    def scores(self) -> dict[str, float]:
        """The scores of all entries that are not present, by name, clipped to LARGEST_SCORE.

        An entry without a score is unknown beside the request: its score is 0.
        """
        return {
            self.table.names[entry]: max(-LARGEST_SCORE, min(LARGEST_SCORE, score))
            for entry, score in self.entry_scores()
            if abs(score) >= LEAST_SCORE
        }

    def entry_scores(self) -> Iterator[tuple[int, float]]:
        """Yield each entry that has a score and is not present, and its score, not clipped.

        Nouns for persons are left out: they are words of captions.
        """
        with_person = self.with_person
        for entry in self._lifts.keys() | self._lowest.keys():
            if entry in self._present or self.table.kind(entry) == "person":
                continue
            is_never = with_person and self.table.names[entry] in WITHOUT_PERSONS
            yield entry, -LARGEST_SCORE if is_never else self.score(entry)

    def propose(
        self,
        count: int,
        seed: int,
        refuses: Callable[[str], bool] | None = None,
    ) -> list[str]:
        """Return up to `count` tags for a picture without persons, about nine at most.

        The list ends early when no candidate has enough evidence. `refuses` tells whether a tag
        contradicts the request or the tags so far; it is asked once for each chosen tag. The same
        seed gives the same list.
        """
        # Requests with one seed differ, too.
        chance = random.Random(seed * _SEED_STEP + sum(self._present))
        most = min(count, chance.choice(_LENGTHS))
        order = self._order(chance)
        chosen: list[int] = []
        ruled_out = self._ruled_out_by_setting()
        room = Counter(_ROOM)
        words = {word for entry in self._present for word in _words(self.table.names[entry])}
        for entry in order:
            if len(chosen) >= most:
                break
            name, kind = self.table.names[entry], self.table.kind(entry)
            if room[kind] <= 0 or entry in ruled_out or not words.isdisjoint(_words(name)):
                continue
            if refuses is not None and refuses(name):
                continue
            chosen.append(entry)
            room[kind] -= 1
            words.update(_words(name))
            ruled_out |= self._ruled_out_by(entry)
        return [self.table.names[entry] for entry in chosen]

    def _order(self, chance: random.Random) -> list[int]:
        """Return the candidates, the likeliest first with a random part; `no humans` leads."""
        values = []
        for entry in sorted(self._lifts):
            noise = -_SPREAD * math.log(-math.log(chance.random() or 0.5))
            value = self._value(entry)
            if value is not None:
                values.append((-value - noise, entry))
        first = self.table.entry(_NO_HUMANS)
        fits = first is not None and self._lowest.get(first, 0.0) > _NEVER and bool(values)
        start = [first] if fits and first is not None and first not in self._present else []
        return start + [entry for _, entry in sorted(values)]

    def _ruled_out_by(self, entry: int) -> set[int]:
        return {pair.entry for pair in self.table.pairs(entry) if pair.lift <= _NEVER}

    def _ruled_out_by_setting(self) -> set[int]:
        """Return what does not fit `outdoors` or `indoors`, if the request implies one of them."""
        entry = self.table.entry(self.place or self.implied_place or "")
        return set() if entry is None else self._ruled_out_by(entry)

    def _implies(self, entry: int) -> bool:
        if self._lowest.get(entry, 0.0) <= _NEVER:
            return False
        probability = self.table.log_share(entry) + self.score(entry)
        return entry in self._present or (
            entry in self._lifts and probability >= math.log(_IMPLIED_PROBABILITY)
        )

    def _value(self, entry: int) -> float | None:
        """Return the place of a candidate in the order of proposals; None if it is none."""
        kind = self.table.kind(entry)
        if entry in self._present or kind not in _ROOM or self._lowest.get(entry, 0.0) <= _NEVER:
            return None
        if kind in _CREATURE_KINDS and not self._has_animal:
            return None
        score = self.score(entry)
        probability = min(0.0, self.table.log_share(entry) + score)
        if self._sources[entry] & WRITTEN:
            is_likely = probability >= math.log(_LEAST_PROBABILITY)
        else:
            is_likely = (
                probability >= math.log(self._least_counted)
                and score >= _LEAST_COUNTED_LIFT
                and self._is_backed(kind, self._sources[entry])
            )
        if not is_likely or (kind in _SETTINGS and not self._fits_places(entry)):
            return None
        if kind in _LANDMARKS and not self._fits_scene(entry):
            return None
        return probability + _LIFT_IN_ORDER * score

    @property
    def _least_counted(self) -> float:
        """The least probability of a candidate that no written list names."""
        return _LEAST_BESIDE_WRITTEN if self._has_list else _LEAST_COUNTED_PROBABILITY

    @cached_property
    def _has_list(self) -> bool:
        """Whether the entries present have a written list."""
        return sum(bool(bits & WRITTEN) for bits in self._sources.values()) >= _MANY_WRITTEN

    def _is_backed(self, kind: str, sources: int) -> bool:
        """Return whether counts alone are enough: two kinds of sources, or settings in tags.

        Beside a subject with a written list, counts add no landmark and nothing that only works of
        art show: a castle stands at many a painted river.
        """
        if self._has_list:
            return kind not in _LANDMARKS and sources & (TAG_LISTS | TEXTS) == TAG_LISTS | TEXTS
        several = sources & (sources - 1) != 0
        return several or (kind in _SETTINGS and sources == TAG_LISTS)

    @cached_property
    def _has_animal(self) -> bool:
        """Whether an animal is a subject of the request."""
        return any(
            one.role == SUBJECT and self.table.kind(one.entry) == "animal"
            for one in self.evidence.found
        )

    def _fits_places(self, entry: int) -> bool:
        """Return whether the places of the request, if it names any, go with a setting."""
        anchors = self._anchors
        return not anchors or any(entry in known for known in anchors)

    def _fits_scene(self, entry: int) -> bool:
        """Return whether a thing goes with the places of the request, with two if it has two."""
        known = sum(entry in one for one in self._scene)
        return known >= min(2, len(self._scene))

    @cached_property
    def _scene(self) -> list[set[int]]:
        """What goes with each place or landscape that the request names."""
        return [
            {pair.entry for pair in self.table.pairs(one.entry) if pair.lift > 0}
            for one in self.evidence.found
            if self.table.kind(one.entry) in ("place", "nature")
            and self.table.names[one.entry] not in _WIDE_PLACES
            and one.role != DETAIL
            and self.table.has_list(one.entry)
        ]

    @cached_property
    def _anchors(self) -> list[set[int]]:
        """What goes with each present entry that decides the setting: places and still lifes."""
        still_life = self.table.entry(_STILL_LIFE)
        found = []
        for one in sorted(self._present):
            known = {pair.entry for pair in self.table.pairs(one) if pair.lift > 0}
            kind = self.table.kind(one)
            is_place = kind == "place" and self.table.names[one] not in _WIDE_PLACES
            if is_place or (kind in ("thing", "food") and still_life in known):
                found.append(known)
        return found


def _words(name: str) -> list[str]:
    """Return the telling words of a name: a list has each at most once."""
    return [word for word in name.split(" (")[0].split() if word not in _COMMON_WORDS]


_COMMON_WORDS = frozenset("from of in on the background focus theme".split())
