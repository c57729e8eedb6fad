"""Captions for tag sets: every sentence states some of the tags, and nothing else.

No corpus with both tags and captions can be distributed, so captions are written from the tags. The
wording is random, the facts are not.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence

from .wording import (
    Aspect,
    aspect,
    framing_phrase,
    is_plural,
    listed,
    place_phrase,
    pose_phrase,
    with_article,
)

_NUMBERS = {"1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6+": "several"}
_STYLE_NOUN = ("picture", "image", "scene")
# First words for a picture of things, and for people without a pose tag.
_VIEWS = (
    "{}", "there is {}", "a view of {}", "the picture shows {}", "this is {}", "here one sees {}",
    "a picture of {}", "in this image there is {}",
)  # fmt: skip
_SHOWN = ("is shown", "is seen", "appears", "is in view", "is drawn", "can be seen")


class Person:
    """Subject and pronoun of the people in one caption."""

    def __init__(self, subject: str, pronoun: str, plural: bool) -> None:
        self.subject = subject
        self.pronoun = pronoun
        self.plural = plural

    def verb(self, singular: str) -> str:
        """Return the verb phrase in the number of the subject: 'is' -> 'are', 'has' -> 'have'."""
        if not self.plural:
            return singular
        head, _, rest = singular.partition(" ")
        irregular = {"is": "are", "has": "have", "makes": "make", "stretches": "stretch"}
        head = irregular.get(head, head[:-1] if head.endswith("s") else head)
        return f"{head} {rest}".strip()


def person_of(tags: Sequence[str]) -> Person | None:
    """Return the people of a picture from its count tags; None without people."""
    counts = [tag for tag in tags if re.match(r"^\d", tag) and aspect(tag) is Aspect.COUNT]
    if not counts:
        return None
    nouns = []
    total = 0
    for tag in counts:
        matched = re.match(r"^(\d\+?)(girl|boy|other)", tag)
        assert matched is not None
        number, noun = matched.groups()
        noun = "person" if noun == "other" else noun
        plural_noun = "people" if noun == "person" else noun + "s"
        one = number == "1"
        nouns.append(f"a {noun}" if one else f"{_NUMBERS.get(number, 'several')} {plural_noun}")
        total += 1 if one else 2
    if total > 1:
        return Person(listed(nouns), "they", plural=True)
    pronoun = {"a girl": "she", "a boy": "he"}.get(nouns[0], "the person")
    return Person(nouns[0], pronoun, plural=False)


def write_caption(tags: Sequence[str], rng: random.Random) -> list[str]:
    """Return the sentences of a caption for `tags`: an opening, then sentences for each group.

    More tags give more sentences; the first ones alone are a shorter caption.
    """
    groups: dict[Aspect, list[str]] = defaultdict(list)
    for tag in _without_general(tags):
        groups[aspect(tag)].append(tag)
    person = person_of(tags)
    sentences = [_opening(groups, person, rng)]
    writers: list[Callable[[], list[str]]] = [
        lambda: _appearance(groups, person, rng),
        lambda: _clothes(groups, person, rng),
        lambda: _doing(groups, person, rng),
        lambda: _things(groups, rng),
        lambda: _surroundings(groups, rng),
    ]
    rng.shuffle(writers)
    for write in writers:
        sentences.extend(write())
    sentences.extend(_framing(groups, rng))
    return [_finish(sentence) for sentence in sentences if sentence]


def _without_general(tags: Sequence[str]) -> list[str]:
    """Return the tags without those that end a longer tag: 'bow' where 'red bow' is present."""
    ends = {" ".join(words[n:]) for words in map(str.split, tags) for n in range(1, len(words))}
    return [tag for tag in tags if tag not in ends]


def _finish(sentence: str) -> str:
    text = " ".join(sentence.split())
    return text[0].upper() + text[1:] + "."


def _take(groups: dict[Aspect, list[str]], wanted: Aspect, most: int) -> list[str]:
    taken = groups[wanted][:most]
    del groups[wanted][:most]
    return taken


def _hair(groups: dict[Aspect, list[str]]) -> str:
    lengths = [tag[: -len(" hair")] for tag in _take(groups, Aspect.HAIR_LENGTH, 1)]
    colors = [tag[: -len(" hair")] for tag in _take(groups, Aspect.HAIR_COLOR, 1)]
    return f"{' '.join(lengths + colors)} hair" if lengths or colors else ""


def _opening(groups: dict[Aspect, list[str]], person: Person | None, rng: random.Random) -> str:
    places = [place_phrase(tag) for tag in _take(groups, Aspect.PLACE, 1)]
    if person is None:
        things = [with_article(tag) for tag in _take(groups, Aspect.THING, rng.randint(1, 2))]
        skies = _take(groups, Aspect.SKY, 1)
        seen = listed(things) if things else "a quiet scene"
        under = f"with {with_article(skies[0])}" if skies else ""
        start = rng.choice(_VIEWS)
        if things and (len(things) > 1 or is_plural(things[0])):
            start = start.replace("there is", "there are").replace("this is", "these are")
        return f"{start.format(seen)} {' '.join(places)} {under}"
    looks = [part for part in (_hair(groups), *_take(groups, Aspect.EYES, 1)) if part]
    with_looks = f"with {listed(looks)}" if looks else ""
    poses = [person.verb(pose_phrase(tag)) for tag in _take(groups, Aspect.POSE, 1)]
    if not poses and rng.random() < 0.3:
        start = rng.choice(("the {} shows", "this is a {} of", "in this {} one sees"))
        start = start.format(rng.choice(("picture", "drawing")))
        return f"{start} {person.subject} {with_looks} {' '.join(places)}"
    doing = poses[0] if poses else person.verb(rng.choice(_SHOWN))
    return f"{person.subject} {with_looks} {doing} {' '.join(places)}"


def _appearance(
    groups: dict[Aspect, list[str]], person: Person | None, rng: random.Random
) -> list[str]:
    if person is None:
        return []
    sentences = []
    hair = _hair(groups)
    styles = groups.pop(Aspect.HAIR_STYLE, [])
    if hair:
        styles.insert(0, hair)
    eyes = groups.pop(Aspect.EYES, [])
    body = groups.pop(Aspect.BODY, [])
    has = person.verb("has")
    for part in (styles, eyes, body):
        while part:
            some = [with_article(tag) for tag in _some(part, rng, 3)]
            wears = rng.choice((has, has, person.verb("is drawn with"), person.verb("shows")))
            sentences.append(f"{person.pronoun} {wears} {listed(some)}")
    faces = groups.pop(Aspect.EXPRESSION, [])
    while faces:
        some = [_face(tag) for tag in _some(faces, rng, 2)]
        whose = person.pronoun
        shows = rng.choice(
            (f"{whose} {person.verb('shows')}", f"{whose} {has}", "the face shows", "the face has")
        )
        sentences.append(f"{shows} {listed(some)}")
    return sentences


def _face(tag: str) -> str:
    nouns = ("mouth", "smile", "grin", "frown", "smirk", "pout", "brow", "teeth", "blush")
    if tag.endswith((*nouns, "eyes", "lips", "tears", "eyebrows", "grimace")):
        return with_article(tag)
    if tag == "one eye closed":
        return tag
    return f"{'an' if tag[0] in 'aeiou' else 'a'} {tag} look"


def _clothes(
    groups: dict[Aspect, list[str]], person: Person | None, rng: random.Random
) -> list[str]:
    clothes = groups.pop(Aspect.CLOTHES, [])
    if not clothes:
        return []
    sentences = []
    while clothes:
        some = listed([with_article(tag) for tag in _some(clothes, rng, 3)])
        if person is None:
            sentences.append(f"there is also {some}")
            continue
        verbs = ("is wearing", "wears", "is dressed in", "has on")
        if sentences:
            verbs = ("also wears", "also has", "also has on", "is wearing")
        verb = rng.choice(verbs)
        if verb.startswith("also "):
            verb = "also " + person.verb(verb[len("also ") :])
        else:
            verb = person.verb(verb)
        sentences.append(f"{person.pronoun} {verb} {some}")
    return sentences


def _doing(groups: dict[Aspect, list[str]], person: Person | None, rng: random.Random) -> list[str]:
    if person is None:
        return []
    sentences = []
    for tag in groups.pop(Aspect.POSE, []):
        sentences.append(f"{person.pronoun} {person.verb(pose_phrase(tag))}")
    for tag in groups.pop(Aspect.GAZE, []):
        target = tag.replace("at viewer", "at the viewer").replace(
            "at another", "at another person"
        )
        sentences.append(f"{person.pronoun} {person.verb('is')} {target}")
    for tag in groups.pop(Aspect.HOLDING, []):
        held = with_article(tag.removeprefix("holding "))
        sentences.append(f"{person.pronoun} {person.verb('is')} holding {held}")
    for tag in groups.pop(Aspect.ACTION, []):
        sentences.append(f"{person.pronoun} {person.verb('is')} {tag}")
    rng.shuffle(sentences)
    return sentences


def _things(groups: dict[Aspect, list[str]], rng: random.Random) -> list[str]:
    things = groups.pop(Aspect.THING, [])
    sentences = []
    while things:
        some = _some(things, rng, 2)
        phrase = listed([with_article(tag) for tag in some])
        be = "are" if len(some) > 1 or is_plural(some[0]) else "is"
        where = rng.choice(
            ("in the picture", "nearby", "", "in the scene", "to be seen", "as well")
        )
        sentences.append(
            rng.choice(
                (
                    f"there {be} {phrase} {where}",
                    f"{phrase} {be} also visible",
                    f"one can see {phrase}",
                    f"the {rng.choice(_STYLE_NOUN)} also shows {phrase}",
                )
            )
        )
    return sentences


def _surroundings(groups: dict[Aspect, list[str]], rng: random.Random) -> list[str]:
    sentences = []
    for tag in groups.pop(Aspect.PLACE, []):
        noun = rng.choice(_STYLE_NOUN)
        where = rng.choice(("is set", "takes place", "was made"))
        sentences.append(f"the {noun} {where} {place_phrase(tag)}")
    skies = groups.pop(Aspect.SKY, [])
    while skies:
        phrase = listed([with_article(tag) for tag in _some(skies, rng, 2)])
        sentences.append(
            rng.choice(
                (
                    f"the background shows {phrase}",
                    f"behind it all one sees {phrase}",
                    f"far behind one sees {phrase}",
                    f"{phrase} can be seen above",
                    f"the {rng.choice(_STYLE_NOUN)} has {phrase}",
                )
            )
        )
    for tag in groups.pop(Aspect.BACKGROUND, []):
        sentences.append(f"the {rng.choice(_STYLE_NOUN)} has {with_article(tag)}")
    return sentences


def _framing(groups: dict[Aspect, list[str]], rng: random.Random) -> list[str]:
    sentences = [
        f"the {rng.choice(_STYLE_NOUN)} {framing_phrase(tag)}"
        for tag in groups.pop(Aspect.FRAMING, [])
    ]
    styles = groups.pop(Aspect.STYLE, [])
    if styles:
        start = rng.choice(("the overall style is", "the style is", "as a whole it looks"))
        sentences.append(f"{start} {listed(styles)}")
    return sentences


def _some(tags: list[str], rng: random.Random, most: int) -> list[str]:
    """Remove and return the first one to `most` of `tags`."""
    count = rng.randint(1, most)
    taken = tags[:count]
    del tags[:count]
    return taken
