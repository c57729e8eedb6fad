"""Captions for tags of persons: every sentence states some of the tags, and nothing else.

Two or three tags are in a sentence. The wording is random, the facts are not.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence

from .aspects import Aspect, aspect
from .noun_phrases import (
    finish,
    listed,
    plural,
    plural_verb,
    with_article,
)
from .person_words import (
    ACTION_VERBS,
    GAZE_VERBS,
    GROWN_UP,
    HAIR_SENTENCES,
    LOOKS,
    MOODS,
    POSE_VERBS,
    ROLES,
)
from .places import place_of, time_of
from .scene_captions import Subject, more_sentences

_NUMBERS = {"1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6+": "six or more"}
_COUNT = re.compile(r"^(\d\+?)(girl|boy|other)")
_MOST_OF_LIST = 3
# Deeds of two persons.
_TOGETHER = frozenset(("holding hands", "hug", "kiss"))
_CARRIED = frozenset(("bag", "backpack", "handbag", "suitcase"))


class Person:
    """Subject and pronouns of the people in one caption."""

    def __init__(
        self,
        subject: str,
        pronouns: tuple[str, str, str],
        plural: bool,
        several: bool | None = None,
    ) -> None:
        self.subject = subject
        # Whether there are several persons; one person of an open sex has plural verbs.
        self.several = plural if several is None else several
        self.pronoun, self.object, self.possessive = pronouns
        self.plural = plural

    def verb(self, singular: str) -> str:
        """Return the verb phrase in the number of the subject: 'is' -> 'are', 'has' -> 'have'."""
        if not self.plural:
            return singular
        return plural_verb(singular).replace("{her}", "their")

    def of(self, phrase: str) -> str:
        """Return a phrase with this person's pronouns."""
        return phrase.replace("{her}", self.possessive)


# Persons of an open sex.
ONE_PERSON = Person("", ("they", "them", "their"), plural=True, several=False)
PERSONS = Person("", ("they", "them", "their"), plural=True)


def person_of(
    tags: Sequence[str], rng: random.Random | None = None, is_grown: bool | None = None
) -> Person | None:
    """Return the people of a picture from its count tags; None without people."""
    counts = [found for found in map(_COUNT.match, tags) if found]
    several = [tag for tag in tags if tag in ("multiple girls", "multiple boys")]
    if several and not counts:
        sexes = " and ".join(tag.split()[1] for tag in several)
        return Person(f"several {sexes}", ("they", "them", "their"), plural=True)
    if not counts:
        return None
    rng = rng or random.Random(0)
    if is_grown is None and not GROWN_UP.isdisjoint(tags):
        is_grown = True
    nouns = []
    total = 0
    for matched in counts:
        number, sex = matched.groups()
        one = number == "1"
        noun = _noun(sex, one, is_grown, rng)
        nouns.append(with_article(noun) if one else f"{_NUMBERS.get(number, 'several')} {noun}")
        total += 1 if one else 2
    if total > 1:
        return Person(listed(nouns), ("they", "them", "their"), plural=True)
    sex = counts[0].group(2)
    role = next((tag for tag in tags if tag in ROLES), "")
    if role and rng.random() < 0.8:
        nouns = [with_article(role)]
    if "old man" in tags or "old woman" in tags:
        nouns = ["an old man" if sex == "boy" else "an old woman"]
    pronouns = {"girl": ("she", "her", "her"), "boy": ("he", "him", "his")}
    return Person(nouns[0], pronouns.get(sex, ("they", "them", "their")), plural=False)


def _noun(sex: str, one: bool, is_grown: bool | None, rng: random.Random) -> str:
    """Return the noun of a person; of an open age by chance."""
    young = rng.random() if is_grown is None else 0.5
    if sex == "girl":
        noun = "woman" if is_grown or young < 0.2 else "girl"
        noun = "young woman" if one and not is_grown and young > 0.9 else noun
    elif sex == "boy":
        noun = "man" if is_grown or young < 0.4 else "boy"
        noun = "young man" if one and not is_grown and young > 0.8 else noun
    else:
        noun = "person"
    plurals = {"woman": "women", "man": "men", "person": "people"}
    return noun if one else plurals.get(noun, noun + "s")


def one_of(noun: str) -> Person:
    """Return a person of an open sex by the noun of the user: `the knight`."""
    the = f"the {noun}"
    return Person(the, (the, the, "their"), plural=False)


def write_caption(
    subject: Subject,
    most: int,
    rng: random.Random,
    is_grown: bool | None = None,
    has_scene: bool = True,
) -> list[str]:
    """Return up to `most` sentences about the persons of `subject` and what surrounds them.

    The first one names the persons and their action. `is_grown` says what the user's words say of
    their age, None if nothing. Surroundings are told where the picture `has_scene`. Without people
    there is no caption.
    """
    person = person_of(subject.tags, rng, is_grown)
    if person is None:
        return []
    groups = _groups(subject)
    sentences: list[str] = []
    for _ in range(8):
        kept = {name: list(tags) for name, tags in groups.items()}
        opening = _opening(groups, subject.tags, person, rng, has_scene)
        if len(opening.split()) > 3:  # more than a person alone
            _take(opening, subject, sentences, most)
        if sentences:
            if person.pronoun == "they" and not person.plural:
                person = ONE_PERSON
            return _continue(subject, person, groups, sentences, most, rng, has_scene)
        groups = defaultdict(list, kept)
    return []


def continue_caption(
    subject: Subject, person: Person, most: int, rng: random.Random, has_scene: bool = True
) -> list[str]:
    """Return up to `most` sentences that go on about persons whom the text before names."""
    return _continue(subject, person, _groups(subject), [], most, rng, has_scene)


def _groups(subject: Subject) -> dict[Aspect, list[str]]:
    groups: dict[Aspect, list[str]] = defaultdict(list)
    # Of women and men together, no sentence can tell whose hair and clothes the tags are.
    is_mixed = len({found.group(2) for found in map(_COUNT.match, subject.tags) if found}) > 1
    is_mixed |= {"multiple girls", "multiple boys"} <= set(subject.tags)
    for tag in without_general([tag for tag in subject.tags if "adjusting" not in tag]):
        if not is_mixed or aspect(tag) not in _OF_ONE:
            groups[aspect(tag)].append(tag)
    return groups


def _take(text: str, subject: Subject, sentences: list[str], most: int) -> None:
    """Add a sentence if it fits."""
    if not any(word in " ".join(sentences) for word in ("wear", "dressed")):
        text = text.replace(" also wear", " wear")
    sentence = finish(text)
    if len(sentences) < most and len(sentence.split()) > 2 and subject.fits(sentence):
        subject.take(sentence)
        sentences.append(sentence)


def _continue(
    subject: Subject,
    person: Person,
    groups: dict[Aspect, list[str]],
    sentences: list[str],
    most: int,
    rng: random.Random,
    has_scene: bool,
) -> list[str]:
    """Add sentences about looks, clothes and actions, and what surrounds the persons."""
    writers: list[Callable[[], list[str]]] = [
        lambda: _looks(groups, person, rng),
        lambda: _clothes(groups, person, rng),
        lambda: _doing(groups, person, rng),
    ]
    rng.shuffle(writers)
    scene_first = bool(sentences) and rng.random() < 0.3
    scene = rng.choice((0, 1, 1, 2)) if has_scene and most > 1 else 0

    def surroundings() -> None:
        room = min(scene, most - len(sentences))
        sentences.extend(
            more_sentences(
                subject, person.object, sentences, room, rng,
                is_plural=person.plural, is_person=True,
            )
        )  # fmt: skip

    if scene_first:
        surroundings()
    for write in writers:
        for text in write():
            _take(text, subject, sentences, most)
    if not scene_first:
        surroundings()
    return sentences


def without_general(tags: Sequence[str]) -> list[str]:
    """Return the tags without those that end a longer tag: 'bow' where 'red bow' is present."""
    ends = {" ".join(words[n:]) for words in map(str.split, tags) for n in range(1, len(words))}
    return [tag for tag in tags if tag not in ends]


def _pop(groups: dict[Aspect, list[str]], wanted: Aspect, most: int) -> list[str]:
    taken = groups[wanted][:most]
    del groups[wanted][:most]
    return taken


def _hair(groups: dict[Aspect, list[str]]) -> str:
    lengths = [tag[: -len(" hair")] for tag in _pop(groups, Aspect.HAIR_LENGTH, 1)]
    colors = [tag[: -len(" hair")] for tag in _pop(groups, Aspect.HAIR_COLOR, 1)]
    return f"{' '.join(lengths + colors)} hair" if lengths or colors else ""


def _opening(
    groups: dict[Aspect, list[str]],
    tags: Sequence[str],
    person: Person,
    rng: random.Random,
    has_scene: bool,
) -> str:
    """Return the persons of the picture, their action, and in a scene the place and the time."""
    scene = [tag for tag in tags if has_scene and not tag.startswith("holding ")]
    places = [one for one in map(_place, scene) if one]
    times = [one for one in map(time_of, scene) if one]
    where = places[0] if places and rng.random() < 0.75 else ""
    if not where and "outdoors" in scene and rng.random() < 0.25:
        where = "outdoors"
    when = times[0] if times and rng.random() < 0.45 else ""
    looks = []
    if rng.random() < 0.8:
        looks = [part for part in (_hair(groups), *_pop(groups, Aspect.EYES, 1)) if part]
        if rng.random() < 0.3:
            seen = [tag for tag in tags if tag in LOOKS][:1]
            looks += [LOOKS[tag] for tag in seen]
            for name in (Aspect.BODY, Aspect.CLOTHES):
                groups[name] = [tag for tag in groups[name] if tag not in seen]
    with_looks = f"with {listed(looks)}" if looks else ""
    wears = ""
    if not looks or rng.random() < 0.25:
        worn = [_worn(tag, person) for tag in _pop(groups, Aspect.CLOTHES, 1)]
        wears = (
            f"in {worn[0]}" if worn and _is_outfit(worn[0]) else f"with {worn[0]}" if worn else ""
        )
        if wears.startswith("with") and with_looks:
            wears = ""
    verbs = _verbs(groups, tags, person, rng)
    doing = verbs[0] if verbs else ""
    if len(verbs) > 1 and rng.random() < 0.4:
        doing = f"{verbs[0]} and {verbs[1]}"
    if not doing and not where and not (looks or wears):
        worn = [_worn(tag, person) for tag in _pop(groups, Aspect.CLOTHES, 2)]
        doing = f"{person.verb('wears')} {listed(worn)}" if worn else ""
    return f"{person.subject} {with_looks} {wears} {doing} {where} {when}"


_OF_ONE = frozenset(
    (Aspect.HAIR_COLOR, Aspect.HAIR_LENGTH, Aspect.HAIR_STYLE, Aspect.EYES, Aspect.BODY,
     Aspect.CLOTHES, Aspect.POSE)
)  # fmt: skip
_OUTFITS = re.compile(
    r"(?:shirt|skirt|dress|jacket|coat|pants|shorts|hoodie|cape|cloak|vest|sweater|cardigan|kimono"
    r"|yukata|hakama|uniform|serafuku|apron|robe|suit|blazer|blouse|pajamas|overalls|gown|armor"
    r"|tunic|poncho|raincoat|t-shirt|jersey|jumpsuit|haori|furisode|labcoat)$"
)


def _worn(tag: str, person: Person) -> str:
    """Return the noun phrase of a worn thing, in the plural for several persons."""
    return plural(tag) if person.several else with_article(tag)


def _place(tag: str) -> str:
    """Return the adverbial of a place where persons are: at a table, not on it."""
    where = place_of(tag)
    return f"at{where[2:]}" if where.endswith(("table", "desk", "counter", "countertop")) else where


def _is_outfit(phrase: str) -> bool:
    return _OUTFITS.search(phrase.removesuffix("s")) is not None


def _verbs(
    groups: dict[Aspect, list[str]], tags: Sequence[str], person: Person, rng: random.Random
) -> list[str]:
    """Return the actions of the persons, then their poses, then their faces."""
    verbs = []
    held = groups[Aspect.HOLDING]
    for table in (ACTION_VERBS, POSE_VERBS):
        found = [tag for tag in tags if tag in table]
        if not person.several:
            found = [tag for tag in found if tag not in _TOGETHER]
        for tag in found[:1]:
            text = table[tag]
            if tag == "reading" and "holding book" in held:
                held.remove("holding book")
                text = "reads a book"
            verbs.append(person.of(person.verb(text)))
            groups[aspect(tag)] = [one for one in groups[aspect(tag)] if one != tag]
    groups[Aspect.HOLDING] = held = [tag for tag in held if tag not in ACTION_VERBS]
    if held and rng.random() < 0.6:
        thing = with_article(held.pop(0).removeprefix("holding "))
        verbs.append(f"{person.verb('holds')} {thing}")
    gazes = [GAZE_VERBS[tag] for tag in tags if tag in GAZE_VERBS]
    if not person.plural:
        gazes = [one for one in gazes if "other" not in one]
    moods = [MOODS[tag] for tag in tags if tag in MOODS]
    if gazes and moods and moods[0] in ("smiles", "grins") and gazes[0] == "looks at the viewer":
        verbs.append(person.verb(moods[0]) + " at the viewer")
        groups.pop(Aspect.GAZE, None)
    elif gazes:
        verbs.append(person.verb(gazes[0]))
        groups.pop(Aspect.GAZE, None)
    elif moods:
        verbs.append(person.of(person.verb(moods[0])))
    if verbs:
        groups.pop(Aspect.EXPRESSION, None)
    return verbs


def _looks(groups: dict[Aspect, list[str]], person: Person, rng: random.Random) -> list[str]:
    sentences = []
    styles = groups.pop(Aspect.HAIR_STYLE, [])
    # Of several persons, one hair and one pair of eyes is told.
    hair = _hair(groups) if not person.plural else ""
    they, has = person.pronoun, person.verb("has")
    for tag in styles[:1]:
        form = HAIR_SENTENCES.get(tag.rsplit(" ", 1)[-1])
        if form and " hair" not in hair:
            noun = tag if tag.endswith("s") else with_article(tag)
            sentences.append(person.of(form).replace("{tag}", noun).replace("{they}", they))
    eyes = groups.pop(Aspect.EYES, [])[:1]
    if hair or (eyes and not person.plural):
        sentences.append(f"{they} {has} {listed([one for one in (hair, *eyes) if one])}")
    body = [tag for tag in groups.pop(Aspect.BODY, []) if tag not in ("lips", "skin")]
    if body:
        sentences.append(_body(body, person, rng))
    return sentences


def _body(body: list[str], person: Person, rng: random.Random) -> str:
    first = body[0]
    if first == "freckles" and not person.plural:
        return person.of(rng.choice(("freckles dot {her} face", "freckles cover {her} cheeks")))
    if first == "halo" and not person.plural:
        return person.of("a halo floats above {her} head")
    has = person.verb("has")
    return f"{person.pronoun} {has} {listed([_worn(tag, person) for tag in body[:2]])}"


def _clothes(groups: dict[Aspect, list[str]], person: Person, rng: random.Random) -> list[str]:
    clothes = groups.pop(Aspect.CLOTHES, [])
    carried = [tag for tag in clothes if tag.rsplit(" ", 1)[-1] in _CARRIED]
    clothes = [tag for tag in clothes if tag not in carried]
    sentences: list[str] = []
    while clothes and len(sentences) < 2:
        count = rng.randint(1, _MOST_OF_LIST)
        some, clothes = clothes[:count], clothes[count:]
        phrases = listed([_worn(tag, person) for tag in some])
        also = "also " if sentences else ""
        wears = person.verb(rng.choice(("wears", "wears", "is wearing", "is dressed in")))
        if "dressed" in wears and not _is_outfit(some[0]):
            wears = person.verb("wears")
        if also:
            wears = also + person.verb("wears")
        sentences.append(f"{person.pronoun} {wears} {phrases}")
    if carried:
        carries = person.verb("carries")
        sentences.append(f"{person.pronoun} {carries} {_worn(carried[0], person)}")
    return sentences


def _doing(groups: dict[Aspect, list[str]], person: Person, rng: random.Random) -> list[str]:
    they = person.pronoun
    verbs = [POSE_VERBS[tag] for tag in groups.pop(Aspect.POSE, []) if tag in POSE_VERBS]
    verbs += [
        f"holds {with_article(tag.removeprefix('holding '))}"
        for tag in groups.pop(Aspect.HOLDING, [])
    ]
    faces = [MOODS[tag] for tag in groups.pop(Aspect.EXPRESSION, []) if tag in MOODS]
    if Aspect.GAZE in groups:
        faces += [
            GAZE_VERBS[tag]
            for tag in groups.pop(Aspect.GAZE, [])
            if tag in GAZE_VERBS and (person.plural or "other" not in GAZE_VERBS[tag])
        ]
    done = [person.of(person.verb(verb)) for verb in (*verbs[:1], *faces[:1])]
    if not done:
        return []
    if rng.random() < 0.5:
        return [f"{they} {' and '.join(done)}"]
    return [f"{they} {verb}" for verb in done]
