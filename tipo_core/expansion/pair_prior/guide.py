"""What goes with a prompt while it grows: proposals of tags, and the bias of a model's own tags.

Both come from the pair table. For a picture without persons it knows the tags better than a small
model does, so that they are proposed without the model. For persons it proposes the scene, and the
model writes what they wear and do, with a bias toward tags that go together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable

import numpy as np
from numpy.typing import NDArray

from ...lm.generate.completion import TagBias
from ...prompt import Category, canonical, category
from ...prompt.persons.persons import Persons, Presence, named_persons
from ...prompt.vocabulary.pairs import shipped_pairs
from ...prompt.vocabulary.slots import slot_table
from ...prompt.vocabulary.word_tables import tokens
from ..policy import CONTRADICTS, FRAGMENT, NOT_KNOWN, OFF_SUBJECT, REPEATED
from .evidence import THING_BEFORE_HEAD, find_evidence
from .person_tags import LEAST_LOG_SHARE, colored_parts, person_tags
from .prior import LARGEST_SCORE, LEAST_SCORE, WITHOUT_PERSONS, PairPrior
from .safe_tags import moods_of, safe_tags
from .subject import is_of_another_language, is_without_persons
from .word_repeats import WordRepeats

# The log lift of a tag is added this many times to its log probability in the model.
_STRENGTH = 2.0
# A model's own tag counts less as evidence than a word of the user.
_WEIGHT_OF_ADDED = 0.5
# Kinds that a scene with persons does not get.
_UNFIT_KINDS = frozenset(("creature", "creature pose", "animal", "medium", "material"))
# Kinds of words that say what a picture without persons is about.
_SUBJECTS = frozenset("thing animal plant food place nature weather".split())
_WORD = re.compile(r"[^\W\d_]{3,}")
# Kinds of words that any sentence may have; persons are counted elsewhere.
_NO_SUBJECTS = frozenset(
    "count,person,pose,creature pose,framing,medium,background,quality,other".split(",")
)
# Kinds that change the whole picture.
_MADE_OF = frozenset(("medium", "background"))
_FUNCTION_WORDS = frozenset(
    """a an the this that these those there here it its is are was were be of in on at with and or
    but for to from by as he she they his her their some one very . , ; : ! ? ( )""".split()
)
_DASHES = frozenset(("-", "\u2013", "\u2014"))
NO_HUMANS, _STILL_LIFE = "no humans", "still life"
# Words of drawings whose persons may have hair and eyes of any colour.
_DRAWN = ("anime", "manga", "vtuber", "vocaloid", "fantasy", "elf", "fairy", "magical girl", "game")
# Tags that a cheerful prompt does not get, and those that a gloomy one does not get.
_GLOOMY = frozenset(
    "dark,night,fog,storm,rain,dark clouds,smoke,ruins,overcast,moonlight".split(",")
)
# Men get these with evidence alone.
_LONG_HAIR = ("long hair", "very long hair")
_CHEERFUL = ("smile", "grin", "laughing", "light smile", ":d", "happy")


class TagGuide:
    """The pair prior of one prompt.

    `tags` and `captions` are the user's, in plain words; `persons` are those that they name.
    Tags of `elsewhere` stand in a prompt before an AND. They say nothing of the place, and of the
    scene only if no word after the AND is known.
    """

    def __init__(
        self,
        tags: Iterable[str],
        captions: Iterable[str],
        persons: Persons,
        elsewhere: Collection[str] = (),
    ) -> None:
        tags = list(tags)
        captions = [text for text in captions if text]
        self.persons = persons
        self._texts = [", ".join(tags), *captions]
        self._typed_words = (
            " " + " ".join(word for text in self._texts for word in tokens(text)) + " "
        )
        # Canonical names that the model must not write.
        self._excluded = {canonical(tag) for tag in tags}
        # A character that the user names has looks that the pair table does not know.
        self.names_character = any(category(tag) is Category.CHARACTERS for tag in tags)
        self._words = WordRepeats()
        # Ends of the prompt's tags, which a sentence may name: a hat of a straw hat.
        self._ends: set[str] = set()
        for name in sorted(self._excluded):
            self._words.add(name, is_typed=True)
            self._ends |= _ends_of(name)
        self._table = shipped_pairs()
        # Words of other languages have other senses.
        tags_of_ours = [tag for tag in tags if self._is_evidence(tag)]
        if elsewhere:
            here = [tag for tag in tags_of_ours if tag not in elsewhere]
            if find_evidence([", ".join(here)], self._table).found:
                tags_of_ours = here
        known = [", ".join(tags_of_ours)]
        known += [text for text in captions if not is_of_another_language(text)]
        evidence = find_evidence(known, self._table)
        # Whether the prompt is known to be about an animal, a thing or a place alone.
        self.is_without_persons = NO_HUMANS in self._excluded or (
            persons.presence is Presence.NONE and is_without_persons(known, evidence, self._table)
        )
        if self.is_without_persons or persons.presence is not Presence.NONE:
            evidence = find_evidence([", ".join(persons.tags), *known], self._table)
        places = _said_places([*(tag for tag in tags if tag not in elsewhere), *captions])
        self._place = places[0] if len(places) == 1 else None
        self._has_several_places = len(places) > 1
        self._prior = PairPrior(
            evidence,
            self._table,
            self._place,
            with_person=persons.presence in (Presence.SOME, Presence.PERHAPS),
        )
        # Tags of image boards count persons; drawings of that kind have hair of any colour.
        self._has_any_color = (
            persons.is_typed
            or self.names_character
            or any(f" {word} " in self._typed_words for word in _DRAWN)
        )
        kinds = {self._table.kind(found.entry) for found in evidence.found}
        # Words that only describe an unknown noun bring no things: `electron cloud model`.
        weights = [
            found.weight for found in evidence.found if self._table.kind(found.entry) in _SUBJECTS
        ]
        self._is_faint = bool(weights) and max(weights) <= THING_BEFORE_HEAD
        self._has_subject = not kinds.isdisjoint(_SUBJECTS)
        self._has_animal = "animal" in kinds
        self._has_place = "place" in kinds
        # What the user names, persons apart.
        self._subjects = {
            found.entry
            for found in evidence.found
            if self._table.kind(found.entry) not in _NO_SUBJECTS
        }
        moods = moods_of(self._texts)
        self._is_gloomy, self._is_cheerful = "gloomy" in moods, moods == {"bright"}
        # Men whom the user names in words.
        self._is_of_men = not persons.is_typed and persons.boys[0] > 0 and persons.girls[1] == 0
        self._colors: set[str] = set()  # of hair and eyes in added tags
        for found in evidence.found:
            self._words.add(self._table.names[found.entry], is_typed=True)
            self._ends |= _ends_of(self._table.names[found.entry])

    def _is_evidence(self, tag: str) -> bool:
        """Return whether the words of a tag mean what they say: `blue archive` is no archive."""
        is_name = category(tag) in (Category.CHARACTERS, Category.COPYRIGHTS, Category.ARTIST)
        if is_name and self._table.entry(canonical(tag)) is None:
            return False
        return not is_of_another_language(tag)

    def knows(self, tag: str) -> bool:
        """Return whether a tag, in small letters, is known to the pair table or to the model."""
        name = canonical(tag)
        return name == tag and (self._table.entry(name) is not None or name in person_tags().places)

    @property
    def evidence_size(self) -> int:
        """The number of words of the prompt that the pair table has, persons apart."""
        kinds = (self._table.kind(one.entry) for one in self._prior.evidence.found)
        return sum(kind not in ("count", "person") for kind in kinds)

    @property
    def knows_nothing(self) -> bool:
        """Whether the prompt has no word that the pair table has, and names no persons: `!?`."""
        is_open = self.persons.presence in (Presence.OPEN, Presence.PERHAPS)
        return is_open and self.evidence_size == 0

    @property
    def _has_evidence(self) -> bool:
        """Whether the prompt has more than counts of persons."""
        found = self._prior.evidence.found
        return any(self._table.kind(one.entry) != "count" for one in found)

    @property
    def has_persons(self) -> bool:
        """Whether the picture shows persons; beside a thing, an unknown name is not a person's."""
        if self.persons.presence is Presence.PERHAPS:
            return not self._has_subject and not self.persons.is_name_only
        return self.persons.presence is not Presence.NONE

    @property
    def _may_show_person(self) -> bool:
        """Whether the picture shows persons, or figures that look like some: a mascot."""
        persons = self.persons
        is_figure = persons.presence is Presence.PERHAPS and not persons.is_name_only
        return self.has_persons or (is_figure and not self._has_animal)

    def note(self, tag: str, is_accepted: bool) -> None:
        """Take a tag that the model wrote: accepted or refused, it is not written again."""
        name = canonical(tag)
        self._excluded.add(name)
        if is_accepted:
            self._prior.accept(name, _WEIGHT_OF_ADDED)
            self._words.add(name)
            self._ends |= _ends_of(name)
            self._colors |= colored_parts(name)

    def refuse(self, tag: str) -> str | None:
        """Return the reason why a model's tag must not be added, None if it may."""
        name = canonical(tag)
        if name not in person_tags().places:
            return NOT_KNOWN
        if self._is_gloomy and name in _CHEERFUL:
            return CONTRADICTS
        if not self._colors.isdisjoint(colored_parts(name)):
            return CONTRADICTS  # of two persons, too: a reader takes both for one
        return REPEATED if self._words.repeats(name) or self._is_typed(name) else None

    def _is_typed(self, name: str) -> bool:
        """Return whether the prompt says a tag in its own words."""
        return f" {' '.join(tokens(name))} " in self._typed_words

    def refuse_sentence(self, sentence: str) -> str | None:
        """Return the reason why a model's sentence must not be added, None if it may.

        It names nothing but the words of the prompt and the added tags, and as many persons.
        """
        first = sentence.lstrip()[:1]
        if first.islower() or first in _DASHES:
            return FRAGMENT
        if self._says_twice(sentence):
            return REPEATED
        for found in find_evidence([sentence], self._table).found:
            kind = self._table.kind(found.entry)
            is_subject = kind not in _NO_SUBJECTS or kind in _MADE_OF
            is_known = self._table.names[found.entry] in self._ends
            if is_subject and not is_known and not self._prior.is_present(found.entry):
                return OFF_SUBJECT
        return OFF_SUBJECT if self._counts_others(sentence) else None

    def is_fragment(self, sentence: str) -> bool:
        """Return whether a whole sentence has no word that says something: `The.`"""
        return _FUNCTION_WORDS.issuperset(tokens(sentence))

    def is_about_prompt(self, sentence: str) -> bool:
        """Return whether a sentence names a word of the user's, or a person where there is one.

        Light on a floor is a second sentence about a cat, and no first one.
        """
        if self.has_persons and named_persons(sentence).presence is Presence.SOME:
            return True
        found = {one.entry for one in find_evidence([sentence], self._table).found}
        if not self._subjects:
            return not self.has_persons
        return not found.isdisjoint(self._subjects)

    def _counts_others(self, sentence: str) -> bool:
        """Return whether a sentence has fewer persons than the prompt, or gives an open sex."""
        named = named_persons(sentence)
        if named.presence is not Presence.SOME:
            return False
        ours = self.persons
        least = max(ours.girls[0] + ours.boys[0], 2 if ours.most != 1 else 1)
        is_open = ours.presence is Presence.SOME and not ours.girls[0] and not ours.boys[0]
        gives_sex = is_open and named.girls[0] + named.boys[0] > 0
        return gives_sex or (ours.presence is Presence.SOME and (named.most or least) < least)

    def _says_twice(self, sentence: str) -> bool:
        """Return whether a sentence names one thing twice: `an umbrella and a red umbrella`."""
        nouns = [
            word
            for word in _WORD.findall(sentence.casefold())
            if self._table.entry(word) is not None
        ]
        return len(set(nouns)) < len(nouns)

    def propose(self, count: int, seed: int, refuses: Callable[[str], bool]) -> list[str]:
        """Return up to `count` tags for the prompt; beside persons only tags of the scene.

        `refuses` is asked once for each tag that would be proposed.
        """
        if not self._has_evidence:
            return []

        def refuses_any(tag: str) -> bool:
            entry = self._table.entry(tag)
            kind = "" if entry is None else self._table.kind(entry)
            if self._is_faint and kind in _SUBJECTS:
                return True
            if self.has_persons and kind in _UNFIT_KINDS:
                return True
            if self._may_show_person and kind == "thing" and not self._is_of_scene(tag):
                return True
            if tag in WITHOUT_PERSONS and not self._may_be_without_persons(tag):
                return True
            if self._is_cheerful and tag in _GLOOMY:
                return True
            return self._is_typed(tag) or self._is_other_place(tag) or refuses(tag)

        chosen = self._prior.propose(count, seed, refuses_any)
        for tag in chosen:
            self.note(tag, True)
        return chosen

    def fill(self, count: int, seed: int, refuses: Callable[[str], bool]) -> list[str]:
        """Return up to `count` tags that fit nearly every picture of the prompt's kind.

        `refuses` is asked once for each tag that would be added.
        """
        chosen: list[str] = []
        for tag in safe_tags(self._texts, self._safe_kinds(), seed):
            if len(chosen) >= count:
                break
            if self._words.repeats(tag) or self._is_typed(tag) or self._prior.is_ruled_out(tag):
                continue
            if not refuses(tag):
                chosen.append(tag)
                self.note(tag, True)
        return chosen

    def _safe_kinds(self) -> set[str]:
        """Return the sections of safe tags that the subject of the prompt chooses."""
        kinds = {self._table.kind(one.entry) for one in self._prior.evidence.found}
        if self.has_persons:
            return {"person"}
        found: set[str] = set()
        place = self._place or self._prior.implied_place
        if place == "indoors":
            found.add("indoors")
        elif place == "outdoors" or "weather" in kinds or "nature" in kinds:
            said = {value for text in self._texts for value in slot_table().said_by_text(text)}
            found.add("night" if ("time of day", "night") in said else "outdoors")
        if not kinds.isdisjoint(_SUBJECTS - {"place", "nature", "weather"}):
            found.add("subject")
        return found

    def _may_be_without_persons(self, tag: str) -> bool:
        """Return whether a tag may say that a picture is about no person."""
        if tag == _STILL_LIFE and self._has_animal:
            return False
        return self.is_without_persons

    def _is_other_place(self, tag: str) -> bool:
        """Return whether a tag names a room beside the room that the prompt names.

        Beside a room and a landscape (`a window to the forest`) it is any place.
        """
        if self._has_several_places:
            return any(slot == "place" for slot, _ in slot_table().said_by_tag(tag))
        if self._place != "indoors" or tag == "indoors":
            return False
        return ("place", "indoors") in slot_table().said_by_tag(tag)

    def _is_of_scene(self, tag: str) -> bool:
        """Return whether a thing belongs to the persons or the place, not to a held thing."""
        entry = self._table.entry(tag)
        return self._has_place or (entry is not None and self._prior.is_of_persons(entry))

    def bias(
        self, never: Iterable[str] = (), denies: Callable[[str], bool] | None = None
    ) -> TagBias:
        """Return the bias of the tags that a model writes.

        It never writes those of `never`, nor those that `denies` is true for.
        """
        choices = person_tags()
        self._excluded |= set(never)
        if denies is not None:
            self._excluded |= {name for name in choices.places if denies(name)}

        def nats() -> NDArray[np.float64]:
            values = choices.nats.copy()
            for entry, score in self._prior.entry_scores():
                place = choices.places.get(self._table.names[entry])
                if place is not None and choices.is_person[place]:
                    is_likely = self._table.log_share(entry) + score >= LEAST_LOG_SHARE
                    if choices.nats[place] < 0 and score < LEAST_SCORE:
                        is_likely = False
                    clipped = max(-LARGEST_SCORE, min(LARGEST_SCORE, score))
                    values[place] = _STRENGTH * clipped if is_likely else -np.inf
            if not self._has_any_color:
                values[choices.is_unnatural] = -np.inf
            unfit: tuple[str, ...] = _CHEERFUL if self._is_gloomy else ()
            if self._is_of_men:
                unfit += tuple(name for name in _LONG_HAIR if self._prior.score_of(name) <= 0)
            if self.names_character:
                values[choices.is_look] = -np.inf
            for name in (*self._excluded, *unfit):
                place = choices.places.get(name)
                if place is not None:
                    values[place] = -np.inf
            return values

        return TagBias(choices.shares, nats)


def _ends_of(name: str) -> set[str]:
    """Return a tag without its first words: `broom` of `holding broom`."""
    words = name.split()
    return {" ".join(words[start:]) for start in range(len(words))}


def _said_places(texts: Iterable[str]) -> list[str]:
    """Return `indoors`, `outdoors`, or both where texts say them; nothing beside other places."""
    said = {
        value
        for text in texts
        for slot, value in slot_table().said_by_text(text)
        if slot == "place" and value
    }
    return sorted(said) if said <= {"indoors", "outdoors"} else []
