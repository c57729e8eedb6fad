"""Adds the tags of foreign words to the user's text: each region has the tags of its own words.

BREAK and AND divide a text into regions. The tags of the last region are returned apart, because
the model's additions follow them; those of the others stand in the text, at the end of the region.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from ..prompt import canonical, parse
from ..prompt.joins import join_caption, join_tags
from ..prompt.translation.translate import Translation
from ..prompt.translation.wanted_text import regions

_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True)
class TranslatedText:
    """The user's text with the tags of all regions but the last, and the tags of that one.

    `inside` are the tags in the text, and `ranges` the places in it that are not the user's.
    """

    text: str
    tags: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()


def add_to_tags(
    text: str,
    translation: Translation,
    is_wanted: Callable[[str], bool],
    spelled: Callable[[str], str],
) -> TranslatedText:
    """Return the tags of `text` with those of its foreign words, none of them twice in a region."""

    def missing(region: str, tags: Iterable[str]) -> list[str]:
        typed = {canonical(word) for segment in parse(region).segments() for word in segment.words}
        return [tag for tag in tags if canonical(tag) not in typed and is_wanted(tag)]

    def joined(region: str, tags: list[str]) -> str:
        return join_tags(region, ", ".join(map(spelled, tags)))

    return _added(text, translation, missing, joined)


def add_to_caption(
    text: str, translation: Translation, is_wanted: Callable[[str], bool], known: Collection[str]
) -> TranslatedText:
    """Return a caption with the tags of its foreign words as sentences, without those in `known`.

    `known` are canonical tags that stand beside the caption.
    """

    def missing(region: str, tags: Iterable[str]) -> list[str]:
        typed = f" {' '.join(_WORD.findall(region.casefold()))} "
        return [
            tag
            for tag in tags
            if canonical(tag) not in known and f" {tag} " not in typed and is_wanted(tag)
        ]

    def joined(region: str, tags: list[str]) -> str:
        return join_caption(region, tag_sentence(tags))

    return _added(text, translation, missing, joined)


def tag_sentence(tags: Iterable[str]) -> str:
    """Return tags as a sentence of a caption, "" for none."""
    listed = ", ".join(tags)
    return f"{listed}." if listed else ""


def _added(
    text: str,
    translation: Translation,
    missing: Callable[[str, Iterable[str]], list[str]],
    joined: Callable[[str, list[str]], str],
) -> TranslatedText:
    if not translation.tags:
        return TranslatedText(text)
    found = regions(text)
    pieces: list[str] = []
    position = place = length = 0
    tags: list[str] = []
    inside: list[str] = []
    ranges: list[tuple[int, int]] = []
    for start, end in found:
        own: list[str] = []
        while place < len(translation.words) and translation.words[place].start < end:
            own += translation.words[place].tags
            place += 1
        region = text[start:end]
        tags = missing(region, dict.fromkeys(own)) if own else []
        # The weight of a prompt beside an AND stays at the end.
        if tags and (end < found[-1][1] or text[end:].strip()):
            pieces += [text[position:start], joined(region, tags)]
            # The joined text begins with the region.
            added_at = length + end - position
            length += len(pieces[-2]) + len(pieces[-1])
            ranges.append((added_at, length))
            inside += tags
            position, tags = end, []
    whole = "".join([*pieces, text[position:]])
    return TranslatedText(whole, tuple(tags), tuple(inside), tuple(ranges))
