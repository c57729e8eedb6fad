"""Grow a caption by rules: they put the tags of a prompt into sentences, and say nothing else.

A small model repeats itself and names things that nobody asked for.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from ...lm.generate.completion import Generation, StopReason
from ...prompt import count_sentences
from ...prompt.persons.persons import Persons, Presence
from ...prompt.sentences import with_stop
from ..fields import continued_text, derived_seed, grow_field
from ..format import Request
from ..pair_prior.guide import TagGuide
from ..policy import TagPolicy
from ..request import FieldResult
from ..tasks import Field, Pass
from .judged_picture import JudgedPicture
from .noun_phrases import is_plural, listed, with_article
from .person_captions import (
    ONE_PERSON,
    PERSONS,
    Person,
    continue_caption,
    one_of,
    person_of,
    write_caption,
)
from .scene_captions import MANY, more_sentences, opening_sentence
from .typed_things import TypedThing, subject_of, typed_things

# Tags that are proposed for the caption alone, where no tags are wanted.
_PROPOSED = 9
_PLAIN = re.compile(
    r"\b(?:white|black|grey|gray|simple|plain|transparent|blank|solid) background\b", re.I
)
_YOUNG = re.compile(
    r"\b(?:girls?|boys?|child\w*|kids?|teens?|teenage\w*|schoolgirls?|schoolboys?|young|baby|toddler"
    r"|daughters?|sons?|little|princess|princesses)\b",
    re.I,
)
# Words of a caption that say where its subject is.
_PLACED = re.compile(
    r"\b(?:on|in|at|by|near|under|above|below|behind|beside|inside|atop|over|front|next|against"
    r"|[a-z]{3,}ing)\b",
    re.I,
)


class CaptionTags(NamedTuple):
    """The tags of a prompt: the user's, those that were added, and whether none are wanted."""

    typed: Sequence[str]
    added: Sequence[str]
    are_unwanted: bool = False


def grow_caption(
    request: Request,
    step: Pass,
    seed: int,
    policy: TagPolicy,
    guide: TagGuide,
    tags: CaptionTags,
    on_token: Callable[[int], None] | None = None,
    check: Callable[[], None] | None = None,
) -> Generation[FieldResult]:
    """Continue the caption of `request` with sentences about its added tags.

    Where no tags are wanted, the guide proposes some for the caption alone. The caption ends where
    the tags say nothing more. The model writes it where a length must be reached, and where rules
    find nothing and no tags are wanted.
    """
    before = request.given.get(Field.LONG, "")
    written = _by_rules(before, step, seed, policy, guide, tags)
    must_fill = step.at_least and not written.reached
    has_nothing = tags.are_unwanted and not written.pieces
    if not must_fill and not has_nothing:
        return written
    longer = continued_text(Field.LONG, before, written.added)
    result = yield from grow_field(
        replace(request, given={**request.given, Field.LONG: longer}),
        Field.LONG,
        step.span,
        derived_seed(seed, 1),
        policy,
        on_token,
        check,
        guide,
    )
    whole = continued_text(Field.LONG, longer, result.added)
    return replace(
        result,
        added=whole[len(with_stop(before)) :],
        pieces=(*written.pieces, *result.pieces),
        rejected=dict(Counter(written.rejected) + Counter(result.rejected)),
    )


def _by_rules(
    before: str, step: Pass, seed: int, policy: TagPolicy, guide: TagGuide, tags: CaptionTags
) -> FieldResult:
    """Continue the caption `before` by rules."""
    rng = random.Random(seed)
    added = list(tags.added)
    if tags.are_unwanted:

        def refuses(tag: str) -> bool:
            return policy.refuse(Field.TAG, tag) is not None

        added = guide.propose(_PROPOSED, seed, refuses)
    texts = [", ".join(tags.typed), before]
    room = max(0, step.span.most - count_sentences(before))
    has_scene = _PLAIN.search(", ".join(texts)) is None
    is_of_persons = guide.has_persons and (
        guide.persons.presence is Presence.SOME or person_of([*tags.typed, *added]) is not None
    )
    if is_of_persons:
        # The first sentence names what the user typed; a caption of the user's has named it.
        typed = [] if before.strip() else [tag for tag in tags.typed if guide.knows(tag)]
        named = [*typed, *added]
        picture = JudgedPicture(named, texts, policy, guide)
        sentences = _about_persons(before, picture, guide, tags, room, rng, has_scene)
    else:
        picture = JudgedPicture(added, texts, policy, guide)
        room = room if has_scene else 0
        sentences = _about_scene(before, picture, tags.typed, guide.is_without_persons, room, rng)
    text = before
    for sentence in sentences:
        text = continued_text(Field.LONG, text, (" " if text.strip() else "") + sentence)
    count = count_sentences(text)
    return FieldResult(
        added=text[len(with_stop(before)) :] if sentences else "",
        pieces=tuple(sentences),
        count=count,
        reached=count >= step.span.least,
        reason=StopReason.TARGET if count >= step.span.most else StopReason.END_TOKEN,
        answers=0,
        prompt_tokens=0,
        new_tokens=0,
        rejected=dict(picture.rejected),
    )


def _about_persons(
    before: str,
    picture: JudgedPicture,
    guide: TagGuide,
    tags: CaptionTags,
    room: int,
    rng: random.Random,
    has_scene: bool,
) -> list[str]:
    """Return sentences about persons, and what surrounds them where the picture `has_scene`."""
    if not before.strip():
        is_grown = _is_grown(", ".join(tags.typed), guide)
        sentences = write_caption(picture, room, rng, is_grown, has_scene)
        if sentences:
            return sentences
    # The user's words name them.
    person = _named_person([*tags.typed, *tags.added], guide.persons)
    if person is ONE_PERSON:
        things = typed_things([before, *tags.typed])
        nouns = [one.words for one in things if one.kind == "person" and one.is_subject]
        person = one_of(nouns[0]) if len(nouns) == 1 and not is_plural(nouns[0]) else person
    return continue_caption(picture, person, room, rng, has_scene)


def _is_grown(typed: str, guide: TagGuide) -> bool | None:
    """Return whether the user's words say that the persons are grown; None if they do not say."""
    if _YOUNG.search(typed):
        return False
    persons = guide.persons
    in_words = persons.presence is Presence.SOME and not persons.is_typed
    is_man = persons.boys[0] > 0 and persons.girls[0] == 0
    return True if in_words and (is_man or not guide.names_character) else None


def _named_person(tags: Sequence[str], persons: Persons) -> Person:
    """Return the persons of a caption: their pronouns and number, `they` for an open sex."""
    counted = person_of(tags)
    if counted is not None and (counted.plural or counted.pronoun != "they"):
        return counted
    girls, boys = persons.girls[0], persons.boys[0]
    if persons.most == 1 and girls + boys == 1:
        return person_of(["1girl" if girls else "1boy"]) or ONE_PERSON
    return ONE_PERSON if persons.most == 1 or "solo" in tags else PERSONS


def _about_scene(
    before: str,
    picture: JudgedPicture,
    typed: Sequence[str],
    is_without_persons: bool,
    room: int,
    rng: random.Random,
) -> list[str]:
    """Return sentences about a scene, which may be known to be `is_without_persons`."""
    things = typed_things(typed)
    subject = subject_of(typed_things([before])) or subject_of(things)
    if subject is not None and subject.is_wide:
        picture.leave_out_tables()
    if subject is None and not before.strip() and is_without_persons:
        # `landscape` names none: a river before the trees.
        scene = typed_things(tag for tag in picture.tags if with_article(tag) != tag)
        subject = subject_of(sorted(scene, key=lambda one: one.words in MANY))
    sentences: list[str] = []
    if not before.strip() and subject is not None and room > 0:
        sentences += _opening(subject, things, picture, rng)
    if before.strip() or sentences:
        words = "" if subject is None else subject.words
        sentences += more_sentences(
            picture,
            f"the {words}" if words else "",
            [before, *typed, *sentences],
            room - len(sentences),
            rng,
            is_wide=subject is not None and subject.is_wide,
            is_plural=bool(words) and is_plural(words),
            is_placed=_PLACED.search(before) is not None,
        )
    return sentences


def _opening(
    subject: TypedThing, things: Sequence[TypedThing], picture: JudgedPicture, rng: random.Random
) -> list[str]:
    """Return a first sentence that names the subject, where it is and when; [] if none fits."""
    others = [one.words for one in things]
    others = [one for one in (*others, *picture.tags) if one != subject.words]
    animals = [one for one in things if one.is_subject and one.kind == "animal"][:3]
    phrase = ""
    if subject.number and is_plural(subject.words):
        phrase = f"{subject.number} {subject.words}"
    if subject.kind == "animal" and len(animals) > 1:
        phrase = listed(
            [
                f"{one.number} {one.words}" if one.number else with_article(one.words)
                for one in animals
            ]
        )
    for _ in range(8):
        sentence = opening_sentence(subject.words, others, rng, phrase)
        if len(sentence.split()) > len(subject.words.split()) + 1 and picture.fits(sentence):
            picture.take(sentence)
            return [sentence]
    return []
