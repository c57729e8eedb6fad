"""Faults of one answer, each with the pieces that are at fault.

A fault that cannot occur in an answer, such as girls' wear where no man is asked for, is absent
from the result, so that shares count the answers that could have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from ...prompt import canonical, person_range, split_sentences
from ...prompt.vocabulary.tags import ranges_contradict
from ...prompt.vocabulary.toy_words import toy_words
from .answers import ExpandedText
from .caption_faults import about_something_else, half_words, has_seam, stray_stops
from .tag_knowledge import AskedPersons, TypedText, is_girls_wear, needs_person

FEWEST_TAGS = 4
# The faults in the order of the report: the key, and its line in the table.
FAULTS = MappingProxyType(
    {
        "filler": "a filler that nothing asked for",
        "contradiction": "a contradiction in the tags",
        "caption contradiction": "a contradiction in the caption",
        "human wear": "human wear, body or pose where no person is asked for",
        "person missed": "no person tag, read or added, where persons are named",
        "person invented": "a person tag where no person is asked for",
        "girls' wear": "girls' wear where only men or boys are asked for",
        "something else": "a caption about something else",
        "seam": "a half word or a stray stop where the model goes on with a caption of the user",
        "half word": "a half word after the user's caption",
        "stray stop": "a stray stop in the caption",
        "toy word": "a toy word outside toy prompts",
        "toy scene": "a toy word where a landscape, planet or potted plant is asked for",
        "short list": f"fewer than {FEWEST_TAGS} added tags",
    }
)
# Names of toy-sd's styles that are ordinary words as well.
_SCENES = ("landscape", "planet", "potted plant")


def faults_of(answer: ExpandedText) -> dict[str, tuple[str, ...]]:
    """Return the faults of an answer: for each key that applies, the pieces, () for none."""
    typed = TypedText(answer)
    asked_for = typed.asked_for()
    found: dict[str, tuple[str, ...]] = {
        "filler": tuple(tag for tag in answer.added_tags if asked_for.refuses(tag)),
        "short list": () if len(answer.added_tags) >= FEWEST_TAGS else answer.added_tags or ("",),
    }
    found["contradiction"], found["caption contradiction"] = _contradictions(answer, typed)
    found |= _person_faults(answer, typed.persons)
    if answer.added_caption.strip():
        found["something else"] = about_something_else(answer, faulty_tags(found))
        found["stray stop"] = stray_stops(answer)
    else:
        del found["caption contradiction"]
    if has_seam(answer):
        found["half word"] = half_words(answer)
        found["seam"] = found["half word"] + found["stray stop"]
    return found | _toy_faults(answer)


def faulty_tags(found: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return the added tags that are fillers, contradictions or human wear."""
    tags = {tag for key in ("filler", "human wear") for tag in found.get(key, ())}
    return tags | {piece.partition(": ")[2] for piece in found.get("contradiction", ())}


def _contradictions(
    answer: ExpandedText, typed: TypedText
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return `slot: piece` for each added tag, and each added sentence, that contradicts.

    A piece is judged against the request and the pieces before it. A contradicting piece fills no
    slot, so that one wrong tag counts once.
    """
    slots = typed.slots(answer)
    counts = [one for tag in typed.tags if (one := person_range(canonical(tag)))]
    tags = []
    for tag in answer.added_tags:
        counted = person_range(canonical(tag))
        slot = slots.contradiction(tag)
        if any(ranges_contradict(counted, other) for other in counts):
            slot = "person count"
        if slot is None:
            slots.add(tag)
            counts += [counted] if counted else []
        else:
            tags.append(f"{slot}: {tag}")
    sentences = []
    for sentence in split_sentences(answer.added_caption):
        slot = slots.contradiction(sentence, is_sentence=True)
        if slot is None:
            slots.add(sentence, is_sentence=True)
        else:
            sentences.append(f"{slot}: {sentence.strip()}")
    return tuple(tags), tuple(sentences)


def _person_faults(answer: ExpandedText, asked: AskedPersons) -> dict[str, tuple[str, ...]]:
    read = (*answer.model_tags.split(","), *answer.added_tags)
    counted = _person_tags(read)
    if asked.is_unclear:
        return {}
    if asked.is_nobody:
        return {
            "human wear": tuple(tag for tag in answer.added_tags if needs_person(tag)),
            "person invented": tuple(counted),
        }
    found: dict[str, tuple[str, ...]] = {}
    if not asked.is_typed:
        # `solo` is the count of one person whose sex is open.
        is_solo = len(asked.kinds) > 1 and "solo" in map(canonical, read)
        is_missed = not is_solo and asked.kinds.isdisjoint(counted.values())
        found["person missed"] = (answer.request.text,) if is_missed else ()
    if asked.kinds == {"boy"}:
        found["girls' wear"] = tuple(tag for tag in answer.added_tags if is_girls_wear(tag))
    return found


def _person_tags(tags: Iterable[str]) -> dict[str, str]:
    """Return the tags that count persons, and whom they count."""
    found = {}
    for tag in tags:
        counted = person_range(canonical(tag))
        if counted is not None and counted[0] != "person" and counted[1]:
            found[tag.strip()] = counted[0]
    return found


def _toy_faults(answer: ExpandedText) -> dict[str, tuple[str, ...]]:
    text = answer.request.text
    if toy_words(text):
        return {}
    pieces = (*answer.added_tags, answer.added_caption)
    words = tuple(word for piece in pieces for word in toy_words(piece))
    names_scene = any(scene in text.casefold() for scene in _SCENES)
    return {"toy word": words} | ({"toy scene": words} if names_scene else {})
