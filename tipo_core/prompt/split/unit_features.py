"""Features of the units of a prompt: numbers of rows in the table of `split_weights`.

A unit has features of its words (the words, pairs of them, their endings and their classes; of
Chinese and Japanese text its characters), and features of its place: what the other units of its
sentence and of the prompt look like. The joint between two units has features too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

from ..vocabulary.tags import Category, category, is_known_name
from .prompt_units import Unit
from .word_classes import (
    AUXILIARY,
    CAPITAL,
    DETERMINER,
    JOIN,
    PREPOSITION,
    PRONOUN,
    VERB,
    WORD,
    word_class,
)

UNIT_ROWS = 1 << 16
JOINT_ROWS = 1 << 12

_SURE = frozenset("mqrs")  # first letters of categories
_LONGEST_TAG = 170  # characters; the name lists have no longer entry
_FIRST_WORDS, _LAST_WORDS = 14, 4  # words of a long unit that are looked at
_FIRST_CHARACTERS, _LAST_CHARACTERS = 20, 10
_WIDE_RUN = re.compile(r"[\u3005-\u3007\u3040-\u30ff\u3400-\u9fff]+")
_CLAUSAL = re.compile(f"[{DETERMINER}{PRONOUN}{AUXILIARY}{VERB}]")
_KANA = re.compile(r"[\u3041-\u309f]")
_WIDE_PARTICLES = re.compile(
    r"[\u7684\u7740\u5728\u4e86\u548c\u662f\u6709\u5979\u4ed6\u5b83\u6211\u4f60\u8457]"
    r"|[\u3092\u304c\u306f\u306b\u3067\u3066]|\u3067\u3059|\u307e\u3059|\u3044\u308b"
)
_FINAL = re.compile(r"([.!?\u2026\u3002\uff01\uff1f]+)[\"'\u201d\u2019)\]\u300d]*\Z")
CREDIT = re.compile(
    r"(?:^|\s)(?:by (?!(?:an?|the|his|her|its|their|my|your|some|some) )|in the style of (?!an? ))"
)
_NAME_LIKE = 4  # words of a unit that can go on a list of artists
_LATIN_END = "\u024f"
_BUCKETS = (0, 1, 2, 3, 4, 5, 6, 6, 8, 8, 8, 11, 11, 11, 11, 11)


class UnitFeatures(NamedTuple):
    """The rows of a unit: those of each piece, whose sums are averaged, and those of its place."""

    pieces: tuple[tuple[int, ...], ...]
    place: tuple[int, ...]
    is_surely_tag: bool  # a quality, rating, meta or count tag, or a name of four words or more


class _Look(NamedTuple):
    """What a unit looks like, for the features of its neighbours."""

    words: int  # Chinese and Japanese: two characters a word
    clausal: int  # words of clauses: articles, pronouns, verbs
    first: str  # class of the first word
    first_word: str
    joins: int  # where the ``and`` of a list stands: 0 for the first word; 3 for none
    last: str
    stop: str  # the sign that ends it, or ""
    known: str  # a letter for a known tag or name, else ""
    case: str
    script: str  # "" for Latin


def features(units: Sequence[Unit]) -> tuple[list[UnitFeatures], list[tuple[int, ...]]]:
    """Return the features of the units, and those of the joint before each unit but the first."""
    known: dict[tuple[str, bool], tuple[tuple[int, ...], _Look]] = {}
    pieces: list[tuple[tuple[int, ...], ...]] = []
    looks: list[_Look] = []
    for unit in units:
        found = []
        for piece in unit.pieces:
            key = piece, unit.is_typed_as_tag
            if key not in known:
                names, look = _piece_features(*key)
                known[key] = _rows(names, UNIT_ROWS), look
            found.append(known[key])
        if len(found) == 1:
            rows, look = found[0]
            pieces.append((rows,))
            looks.append(look)
        else:
            pieces.append(tuple([rows for rows, _ in found]))
            looks.append(_joined_look([look for _, look in found]))
    places = _places(units, looks)
    joints = [
        _joint(units[index], looks[index - 1], looks[index]) for index in range(1, len(units))
    ]
    sure = [look.known in _SURE or (look.known == "c" and look.words >= 4) for look in looks]
    return [UnitFeatures(*row) for row in zip(pieces, places, sure, strict=True)], joints


def _bucket(count: int) -> int:
    return _BUCKETS[count] if count < 16 else 16


def _rows(names: Sequence[str], count: int) -> tuple[int, ...]:
    mask = count - 1
    return tuple([crc32(name.encode()) & mask for name in names])


def _piece_features(piece: str, is_typed_as_tag: bool) -> tuple[list[str], _Look]:
    wide = _WIDE_RUN.findall(piece)
    words = WORD.findall(_WIDE_RUN.sub(" ", piece) if wide else piece)
    final = _FINAL.search(piece[-12:])
    stop = "" if final is None else final[1][0] if len(final[1]) == 1 else final[1][0] * 2
    count = len(words)
    names = []
    if count > _FIRST_WORDS + _LAST_WORDS:
        seen = words[:_FIRST_WORDS] + words[-_LAST_WORDS:]
    else:
        seen = words
    lower = [word.lower() for word in seen]
    classes = "".join([word_class(*pair) for pair in zip(seen, lower, strict=True)])
    clausal = len(_CLAUSAL.findall(classes))
    known = _known(piece, count) if count and not wide else ""
    size = _bucket(count)
    case = _case(words)
    names += [
        f"n{size}",
        f"k{known}{min(count, 6)}",
        f"c{case}{size}",
        f".{stop}{size}",
        f"D{min(clausal, 4)}n{size}",
        f"P{min(classes.count(PREPOSITION), 3)}n{size}",
        f"t{is_typed_as_tag:d}",
    ]
    is_shouted = case in "UT" and count > 1
    marked = f"^{classes}$"
    names += [marked[at : at + 2] for at in range(len(marked) - 1)]
    if count <= 6:
        names.append(f"p{classes}")
    if count and not is_shouted:
        names.append(f"^{classes[0]}n{size}{stop}")
    previous = ""
    for word in lower:
        if word[0] > _LATIN_END:
            word = "~" + word[-2:]
        names += ("w" + word, f"b{previous} {word}")
        if len(word) > 4:
            names.append("s" + word[-3:])
        previous = word
    if count > 1:
        names.append("l" + lower[-1])
        if count <= 4:
            names.append("u" + " ".join(lower))
    script = ""
    if wide:
        script = "J" if _KANA.search(piece) else "Z"
        length = sum(map(len, wide))
        count += (length + 1) // 2
        clausal += _add_wide(names, wide, length, script, stop)
    elif words and words[0][0] > _LATIN_END:
        script = "O"
        names.append(f"O{size}")
    look = _Look(
        words=count,
        clausal=clausal,
        first=classes[:1],
        first_word=lower[0] if lower else "",
        joins=(classes[:3] + JOIN).index(JOIN) if len(classes) > 2 else 3,
        last=classes[-1:],
        stop=stop,
        known=known,
        case=case,
        script=script,
    )
    return names, look


def _add_wide(names: list[str], wide: list[str], length: int, script: str, stop: str) -> int:
    """Add the features of Chinese or Japanese text; return the number of its particles."""
    text = " ".join(wide)
    if len(text) > _FIRST_CHARACTERS + _LAST_CHARACTERS:
        text = text[:_FIRST_CHARACTERS] + " " + text[-_LAST_CHARACTERS:]
    particles = len(_WIDE_PARTICLES.findall(text))
    size = length if length < 10 else 10 + min(length // 5, 6)
    names += (
        f"{script}{size}",
        f"{script}{size}{stop}",
        f"{script}p{min(particles, 4)}",
        f"{script}p{min(particles, 4)}n{size}",
    )
    padded = f"^{text}$"
    names += [script + padded[at : at + 2] for at in range(len(padded) - 1)]
    names += [script + padded[at : at + 3] for at in range(len(padded) - 2)]
    names += [script + character for character in text]
    if length <= 6:
        names.append("u" + text)
    return particles


def _known(piece: str, words: int) -> str:
    """A letter for the category of a known tag or name, ``+`` for several names, or nothing."""
    if len(piece) > _LONGEST_TAG:
        return ""
    found = category(piece)
    # ``drawn by hand on paper`` has the form of an artist tag, but is in no list
    if found is not Category.GENERAL and (words <= 4 or is_known_name(piece)):
        return found.value[0]
    if " and " in piece or piece.startswith("and "):
        names = piece.removeprefix("and ").split(" and ")
        if all(is_known_name(name) for name in names):
            return "+"  # ``greg rutkowski and alphonse mucha``
    return ""


def _case(words: Sequence[str]) -> str:
    """U: capitals; T: Title Case; F: the first word; l: none; m: some; 0: no words."""
    if not words:
        return "0"
    capitals = len([word for word in words if word[0].isupper()])
    if capitals == 0:
        return "l"
    if capitals == len(words) and len(words) > 1:
        return "U" if words[0].isupper() and words[-1].isupper() else "T"
    return ("F" if capitals == 1 else "M") if words[0][0].isupper() else "m"


def _joined_look(looks: list[_Look]) -> _Look:
    """The look of a unit of several pieces, such as a group of tags."""
    first, last = looks[0], looks[-1]
    return _Look(
        words=sum(look.words for look in looks) // len(looks),
        clausal=sum(look.clausal for look in looks) // len(looks),
        first=first.first,
        first_word=first.first_word,
        joins=first.joins,
        last=last.last,
        stop=last.stop,
        known=first.known if all(look.known for look in looks) else "",
        case=first.case,
        script=first.script,
    )


def _places(units: Sequence[Unit], looks: Sequence[_Look]) -> list[tuple[int, ...]]:
    """The features of each unit's place in its sentence and in the prompt."""
    count = len(units)
    known = sum(1 for unit, look in zip(units, looks, strict=True) if look.known or unit.is_group)
    short = sum(1 for look in looks if look.words <= 2)
    known, short = known * 5 // (count or 1), short * 5 // (count or 1)
    many = _bucket(min(count, 15))
    output: list[tuple[int, ...]] = []
    first = 0
    while first < count:
        last = first
        while last + 1 < count and not looks[last].stop and units[last + 1].separator in ",w":
            last += 1
        run = looks[first : last + 1]
        stop = looks[last].stop
        length = len(run) if len(run) < 4 else 4 if len(run) < 8 else 8
        average = _bucket(sum(look.words for look in run) // len(run))
        clauses = min(sum(1 for look in run if look.clausal), 3)
        most = _bucket(max(look.words for look in run))
        rate = sum(1 for look in run if look.words >= 4) * 4 // len(run)
        ending = f"{stop}{_bucket(run[-1].words)}{min(run[-1].clausal, 2)}"
        same: dict[tuple[object, ...], tuple[int, ...]] = {}
        is_credit = False
        for index in range(first, last + 1):
            look, unit = looks[index], units[index]
            size = _bucket(look.words)
            at = "f" if index == first else "l" if index == last else "m"
            names_on = is_credit and look.words <= _NAME_LIKE and look.clausal == 0
            is_credit = names_on or CREDIT.search(unit.plain[-80:].lower()) is not None
            has_clause = min(look.clausal, 1)
            key = (
                *(at, size, names_on, has_clause, look.script, look.first, look.case),
                *(unit.is_group, unit.is_in_quotes),
            )
            if key not in same:
                names = (
                    f"r{stop}{length}{at}{look.script}",
                    f"r{stop}{length}{at}n{size}",
                    f"rc{stop}{clauses}{at}n{size}",
                    f"ra{stop}{average}n{size}{look.script}",
                    f"rm{stop}{most}n{size}",
                    f"re{ending}{at}{length}",
                    f"rr{stop}{rate}{length}{look.script}",
                    f"rf{stop}{look.first}{at}",
                    f"d{many}k{known}s{short}",
                    f"dk{known}n{size}",
                    f"i{index == 0:d}n{size}{has_clause}",
                    f"B{names_on:d}{size}",
                    f"g{unit.is_group:d}",
                    f"q{unit.is_in_quotes:d}",
                )
                same[key] = _rows(names, UNIT_ROWS)
            output.append(same[key])
        first = last + 1
    return output


def _joint(unit: Unit, before: _Look, look: _Look) -> tuple[int, ...]:
    """The features of the joint between a unit and the one before it."""
    sign = f"{unit.separator}{before.stop}"
    is_lower = look.case in "lm0"
    word = look.first_word
    if look.first in (CAPITAL, "w") and not word.endswith(("s", "ing", "ed")):
        word = ""
    names = (
        "",
        f"s{sign}",
        f"f{before.stop}{look.first}",
        f"F{before.stop}{look.first}{is_lower:d}",
        f"w{word}",
        f"v{before.stop != '':d}{word}",
        f"q{unit.is_in_quotes:d}",
        f"l{before.last}{look.first}",
        f"k{before.known}-{look.known}",
        f"n{_bucket(before.words)}-{_bucket(look.words)}",
        f"z{before.script}{look.script}{before.stop}",
        f"g{unit.is_group:d}",
        f"j{look.joins}{before.case}{before.stop}{min(look.clausal, 2)}",
    )
    return _rows(names, JOINT_ROWS)
