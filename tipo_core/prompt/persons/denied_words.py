"""Find the denied words of a text: `no cars or people`, `people-free`, `not smiling`.

The words come as lists of lower-case words and stops, as `word_tables.tokens` returns them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..vocabulary.word_tables import tokens
from .person_table import person_table

_BREAKS = frozenset(",;.!?()|:")
_OPENERS = frozenset("no without neither nor not lacking sans zero 0 never isn't aren't".split())
# Before `of`: `free of snow`.
_OPEN_WITH_OF = frozenset("free devoid empty absence lack instead rid".split())
_SKIPPED = frozenset(
    """any a an the single one other more visible of its his her their wearing holding having
    showing living real sign signs trace is are""".split()
)
_NOUN_OPENERS = frozenset("a an the any".split())
# `no longer`, `not only`, `not too dark` deny no thing.
_IDIOMS = frozenset(
    """longer doubt matter way only just too so very yet even quite far to always necessarily
    really much many enough less more sure""".split()
)
_JOINS = frozenset("or nor and".split())
# The words before these end a phrase.
_ENDS = frozenset(
    """in on at by with from near under over above below behind beside between through into onto to
    around across along inside outside but is are was were while that which who where when as for
    of only just his her their its this except""".split()
)
_MOST_WORDS = 4
_NOT_A_LACK = frozenset(
    """endless seamless timeless priceless wireless hopeless harmless fearless countless careless
    restless flawless regardless nevertheless nonetheless unless useless ruthless reckless helpless
    boundless effortless senseless shameless needless tireless doubtless weightless motionless
    speechless breathless lifeless sleepless relentless limitless formless ageless nameless
    homeless thoughtless merciless selfless spotless stainless bless numberless dauntless headless
    backless topless bottomless shapeless soulless heartless mindless wordless aimless matchless
    peerless dreamless voiceless powerless defenseless defenceless faultless tasteless""".split()
)
_HYPHENATED = re.compile(
    r"\b([^\W\d_]{3,})[-\u2010\u2011]free\b|\bnon[-\u2010\u2011]([^\W\d_]{3,})"
)


def with_plain_denials(text: str) -> str:
    """Return a text with `without people` for `people-free`, `without human` for `non-human`."""
    return _HYPHENATED.sub(lambda match: f"without {match[1] or match[2]}, ", text)


def denied_spans(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield start and end of each denied phrase, its denying word apart. The time is linear."""
    place = 0
    while place < len(words):
        start = _start(words, place)
        if start is None:
            place += 1
            continue
        begin = start
        while True:
            while begin < len(words) and words[begin] in _SKIPPED:
                begin += 1
            end = _end(words, begin)
            if end > begin:
                yield begin, end
            after = words[end + 1 : end + 2]
            is_joined = end > begin and words[end : end + 1] != [] and words[end] in _JOINS
            if not is_joined or after == [] or after[0] in ("a", "an", "the"):
                break
            begin = end + 1
        place = max(end, place + 1)


def denied_phrases(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the denied phrases, and the noun of each word in -less: `moon` of `moonless`."""
    for start, end in denied_spans(words):
        yield tuple(words[start:end])
    for word in words:
        if word.endswith("less") and len(word) > 6 and word not in _NOT_A_LACK:
            yield (word.removesuffix("less"),)


def without_denied(words: Sequence[str]) -> list[str]:
    """Return the words with a comma in place of each denied one. The list keeps its length."""
    kept = list(words)
    for start, end in denied_spans(words):
        kept[start:end] = [","] * (end - start)
    return kept


def affirmed(text: str) -> str:
    """Return a text without its denied words, verbatim if it denies nothing."""
    words = tokens(with_plain_denials(text))
    kept = without_denied(words)
    return text if kept == words else " ".join(word for word in kept if word not in _OPENERS)


def _start(words: Sequence[str], place: int) -> int | None:
    """Return the place after a denying word at `place`, None if there is none."""
    word = words[place]
    after = words[place + 1] if place + 1 < len(words) else ","
    if word in _OPEN_WITH_OF:
        return place + 2 if after == "of" else None
    if word not in _OPENERS or after in _BREAKS or after in _IDIOMS or after.isdigit():
        return None
    if word == "no" and after == "humans":
        return None  # a tag of its own, with pairs of its own
    if word == "no" and place and person_table().is_rare(words[place - 1]):
        return None  # `sousou no frieren`
    if word in ("not", "never", "isn't", "aren't") and after in _ENDS:
        return None
    return place + 1


def _end(words: Sequence[str], start: int) -> int:
    """Return the end of the noun phrase that begins at `start`."""
    end = start
    while end < len(words) and end - start < _MOST_WORDS:
        word = words[end]
        if word in _BREAKS or word in _ENDS or word in _JOINS or word in _OPENERS:
            break
        if end > start and (word in _NOUN_OPENERS or word.endswith(("ing", "ed", "ly"))):
            break
        end += 1
        if word.endswith("ing") and end == start + 1:
            break  # `not smiling`, `not looking at the viewer`
    return end
