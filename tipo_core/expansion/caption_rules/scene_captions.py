"""Sentences about scenes: what a picture without persons shows, and what surrounds its subject.

`assets/slots/sentences.txt` has sentences for the tags of a scene. The wording is random; a
sentence that names anything but the tags of the picture is refused by `Subject.fits`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from functools import cache
from typing import Protocol

from ...prompt.vocabulary.word_tables import sections
from .noun_phrases import bare, finish, is_plural, listed, plural, plural_verb, with_article
from .places import WIDE_KINDS, kind, place_of, time_of

# How the picture is made comes after what it shows.
_LATE_KINDS = frozenset(("framing", "quality", "medium", "background", "other"))
# Words for a landscape's surroundings need no "around the forest".
_BESIDE = re.compile(
    r"(?:around|beside|past|under|in front of|behind|covers?|catches|leads to) \{s\}"
    r"|^\{S\} (?:rests|is)"
)
# What lies on a thing and on no animal, and where animals lie and no things.
_COVERS = re.compile(r"(?:covers?|cling to|climb over|scattered over) \{s\}")
_LIES_ON = re.compile(r"^\{S\} rests on a (?:cushion|blanket|branch|rock)")
# Parts of a landscape that come in numbers, and waters.
MANY = frozenset(
    """tree rock flower leaf bush plant star cloud mushroom wildflower boulder skyscraper building
    house column crystal fern""".split()
)
_WATERS = frozenset("lake river waterfall pond stream".split())
_LANDMARKS = frozenset(
    """bridge tower castle path road pier windmill lighthouse temple fountain chimney
    billboard""".split()
)
# A subject that does this stands nowhere.
_MOVES = frozenset("flying swimming running jumping floating walking falling galloping".split()) | {
    "motion blur",
    "speed lines",
}
_VERBS = {
    "sitting": "sits", "standing": "stands", "sleeping": "sleeps", "running": "runs",
    "walking": "walks", "lying": "lies", "swimming": "swims", "flying": "soars", "eating": "eats",
    "jumping": "jumps", "perched": "perches", "looking back": "looks back",
    "looking up": "looks up", "grazing": "grazes", "curled up": "lies curled up",
    "yawning": "yawns", "howling": "howls", "climbing": "climbs", "playing": "plays",
    "closed eyes": "rests with closed eyes", "looking at viewer": "looks at the viewer",
}  # fmt: skip
_SWIMMERS = frozenset(
    """fish whale dolphin shark jellyfish octopus turtle seal goldfish koi ray orca squid clownfish
    stingray seahorse manatee otter""".split()
)
_PLACED_BY = (
    "stand",
    "rest",
    "sits",
    "sit ",
    "lies",
    "lie ",
    "soar",
    "runs",
    "swim",
    "walk",
    "jump",
)
_CLIMBERS = frozenset(
    "cat kitten squirrel monkey panda sloth koala leopard lizard snake gecko chameleon".split()
)
_BIRDS = frozenset(
    """bird owl eagle hawk parrot crow raven sparrow robin hummingbird kingfisher falcon""".split()
)


# Sentences with the subject that fit no person.
_NOT_ON_PERSONS = frozenset(
    """moss rust vines dust steam table tablecloth plate bowl napkin fork spoon window windowsill
    stairs path sign cheese herb crate fluffy blanket branch rock reflection storefront wet ivy egg
    cup saucer""".split()
) | {"water drop", "wooden table", "potted plant", "depth of field"}


class Subject(Protocol):
    """The tags of one picture; it judges the sentences of the picture's caption."""

    tags: list[str]

    def fits(self, sentence: str) -> bool:
        """Return whether a sentence names nothing but the tags, and contradicts none of them."""

    def take(self, sentence: str) -> None:
        """Add a sentence to the caption; later ones must not contradict it."""


@cache
def scene_sentences() -> dict[str, tuple[str, ...]]:
    """Return the sentences of each tag. Raises ValueError if the table is missing."""
    lines = (line for _, lines in sections("sentences.txt") for line in lines)
    pairs = (line.split(":", 1) for line in lines)
    return {
        tag: tuple(one.strip() for one in text.split(" / ") if one.strip()) for tag, text in pairs
    }


def more_sentences(
    subject: Subject,
    the: str,
    before: Sequence[str],
    most: int,
    rng: random.Random,
    *,
    is_wide: bool = False,
    is_plural: bool = False,
    is_person: bool = False,
    is_placed: bool = False,
) -> list[str]:
    """Return up to `most` sentences about the tags of the scene that `before` does not name.

    `the` is the subject in a sentence: `the cat`, `her`; "" if it is unknown. A landscape
    `is_wide`; a subject that `is_placed` gets no other place.
    """
    said = " ".join(before).lower()
    is_animal = bool(the) and kind(the.partition(" ")[2]) == "animal"
    held = [tag.removeprefix("holding ") for tag in subject.tags if tag.startswith("holding ")]
    moves = not _MOVES.isdisjoint(subject.tags)
    the_is_placed = is_placed or moves or any(word in said for word in _PLACED_BY)
    tags = [tag for tag in subject.tags if tag in scene_sentences() and bare(tag) not in said]
    rng.shuffle(tags)
    tags.sort(key=lambda tag: kind(tag) in _LATE_KINDS)
    sentences: list[str] = []
    for tag in tags:
        if len(sentences) >= most:
            break
        choices = list(scene_sentences()[tag])
        rng.shuffle(choices)
        for form in choices:
            if not the and ("{s}" in form or "{S}" in form):
                continue
            is_about = "{S}" in form
            if is_about and (is_plural or is_person or is_wide or the_is_placed):
                continue
            if "background" in form and "background" in said:
                continue
            if is_plural and ("Only {s}" in form or form.startswith("Its ")):
                continue
            if is_person and ("Only {s}" in form or ("{s}" in form and tag in _NOT_ON_PERSONS)):
                continue
            if is_wide and _BESIDE.search(form):
                continue
            if _COVERS.search(form) if is_animal or is_person else _LIES_ON.search(form):
                continue
            if any(f" {thing} " in f" {form.lower()}" for thing in held):
                continue  # a held cup stands on no saucer
            sentence = form.replace("{s}", the).replace("{S}", the[:1].upper() + the[1:])
            nouns = {word for word in re.findall("[a-z]{4,}", sentence.lower())}
            if bare(tag) in said or len(nouns & set(re.findall("[a-z]{4,}", said)) - {"the"}) > 2:
                continue
            if subject.fits(sentence):
                subject.take(sentence)
                sentences.append(sentence)
                the_is_placed |= is_about
                said += " " + sentence.lower()
                break
    return sentences


def opening_sentence(name: str, others: Sequence[str], rng: random.Random, phrase: str = "") -> str:
    """Return a first sentence: the subject `name`, what it does, where and when.

    `phrase` is the subject with its article or number.
    """
    of = kind(name)
    is_single = not phrase
    phrase = phrase or with_article(bare(name))
    wheres = [place_of(tag) for tag in others if not (of in WIDE_KINDS and kind(tag) == "thing")]
    on_branches = name.rsplit(" ", 1)[-1] in _BIRDS | _CLIMBERS
    wheres = [one for one in wheres if one and (on_branches or "branch" not in one)]
    times = [time_of(tag) for tag in others if time_of(tag)]
    # Typed tags before added ones.
    where = wheres[0] if wheres and rng.random() < 0.8 else ""
    when = (times[0] if rng.random() < 0.7 else rng.choice(times)) if times else ""
    if rng.random() < 0.25:
        when = ""
    if of in WIDE_KINDS:
        things = [_part(bare(tag)) for tag in others if _is_part(tag)][:2]
        company = f"with {listed(things)}" if things and rng.random() < 0.7 else ""
        return finish(f"{phrase} {company or (where if of != 'place' else '')} {when}")
    verb = ""
    last = name.rsplit(" ", 1)[-1]
    if of == "animal":
        poses = [_VERBS[tag] for tag in others if tag in _VERBS]
        verb = poses[0] if poses else ""
        if not verb and rng.random() < 0.7:
            verb = "swims" if last in _SWIMMERS else "sits" if last in _BIRDS else ""
            verb = verb or rng.choice(("stands", "sits", "rests"))
        if last in _SWIMMERS:
            where = where.replace("by ", "in ") if where.endswith(("ocean", "lake", "sea")) else ""
            where = "under water" if "underwater" in others else where
    elif rng.random() < 0.35 and where.startswith(("on", "in", "by", "at")):
        verb = "stands" if of == "thing" else "rests"
        verb = verb if _MOVES.isdisjoint(others) else ""
    if verb and (is_plural(bare(name)) or not is_single):
        verb = plural_verb(verb)
    if not verb and not where and not when:
        companions = [
            with_article(bare(tag))
            for tag in others
            if kind(tag) in ("thing", "food", "plant") and not time_of(tag)
        ][: rng.randint(1, 2)]
        where = f"with {listed(companions)}" if companions else ""
    return finish(f"{phrase} {verb} {where} {when}")


def _is_part(tag: str) -> bool:
    """Return whether a landscape may be "with" the tag."""
    last = bare(tag).rsplit(" ", 1)[-1]
    if kind(tag) in ("nature", "place") and last in MANY | _WATERS:
        return True
    return kind(tag) == "plant" or last in _LANDMARKS


def _part(name: str) -> str:
    return plural(name) if name.rsplit(" ", 1)[-1] in MANY else with_article(name)
