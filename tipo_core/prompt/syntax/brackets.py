"""Finds the pairs of brackets of a prompt, in linear time.

A closing bracket is paired with the last open one of its kind. Brackets without a partner are
words, and so are brackets in escapes, angle tags and comments, and the emoticons ``:)`` and ``:(``.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from .comments import BLOCK, BLOCK_END, has_comment_sign, opaque_ranges

# Deeper groups are words: only the innermost levels count.
MAX_NESTING = 16
# Replaces a bracket. It is not a letter, and has no meaning in the prompt language.
MASK = "?"
_EMOTICON = re.compile(r"(?<=[:;=])(?<![^\s,][:;=])[()](?=[ \t]*(?:[,\uff0c\u3001\r\n]|\Z))")
_LIKE_EMOTICON = re.compile(r"[:;=][()]")
_BRACKET = re.compile(r"[()\[\]{}]")
_BRACKETS = frozenset("()[]{}")
_BRACKET_TO_MASK = MappingProxyType({ord(bracket): MASK for bracket in "()[]{}"})
_NOT_ESCAPED = re.compile(r"(?<!\\)[()\[\]{}]")


def mask_inner_brackets(text: str, pos: int, end: int) -> str:
    """Replace all brackets in ``[pos, end)`` by MASK, except those of the outermost groups.

    Escaped brackets stay too. Between ``/*`` and ``*/`` everything becomes MASK. The length of the
    text does not change.
    """
    if BLOCK in text:
        text = _with_masked_blocks(text)
    if not _BRACKET.search(text, pos, end):
        return text
    visible = _visible(text)
    starts, ends, _ = _outermost(visible, _places(visible, pos, end))
    if "\\" in text:
        signs = list(_NOT_ESCAPED.sub(MASK, text))
    else:
        signs = list(text.translate(_BRACKET_TO_MASK))
    for start, last in zip(starts, ends, strict=True):
        signs[start] = text[start]
        signs[last] = text[last]
    return "".join(signs)


def open_brackets(text: str) -> str:
    """The opening brackets without a partner, each kind once: ``(a, [b`` -> ``([``."""
    if not _BRACKET.search(text):
        return ""
    visible = _visible(text)
    return _outermost(visible, _places(visible, 0, len(text)))[2]


def _visible(text: str) -> str:
    """The text with MASK in place of its angle tags and comments."""
    if "<" not in text and not has_comment_sign(text):
        return text
    signs: list[str] = []
    position = 0
    for start, end in opaque_ranges(text):
        signs += [text[position:start], MASK * (end - start)]
        position = end
    return "".join([*signs, text[position:]])


def _with_masked_blocks(text: str) -> str:
    """The text with MASK in place of the characters between ``/*`` and ``*/``."""
    signs: list[str] = []
    position = 0
    for start, end in opaque_ranges(text):
        if text.startswith(BLOCK, start):
            inside = end - start - len(BLOCK) - len(BLOCK_END)
            signs += [text[position:start], BLOCK, MASK * inside, BLOCK_END]
            position = end
    return "".join([*signs, text[position:]])


def _places(visible: str, pos: int, end: int) -> list[int]:
    """The places of the brackets in ``[pos, end)``, without those of escapes and emoticons."""
    inside = visible if end - pos == len(visible) else visible[pos:end]
    places = [place for place, sign in enumerate(inside, pos) if sign in _BRACKETS]
    if "\\" in visible:
        places = [place for place in places if not place or visible[place - 1] != "\\"]
    if _LIKE_EMOTICON.search(visible):
        brackets, places = places, []
        for number, place in enumerate(brackets):
            if visible[place - 1] not in ":;=" or not _is_emoticon(visible, brackets, number):
                places.append(place)
    return places


def _is_emoticon(text: str, places: list[int], number: int) -> bool:
    """Whether the bracket belongs to an emoticon; ``(a :)`` is a group."""
    place = places[number]
    if not _EMOTICON.match(text, place):
        return False
    if text[place] == ")":
        return not number or text[places[number - 1]] != "("
    return place == places[-1] or text[places[number + 1]] != ")"


def _outermost(text: str, places: list[int]) -> tuple[list[int], list[int], str]:
    """The starts and the ends of the outermost groups, and the kinds of brackets that stay open."""
    starts: list[int] = []  # of the outermost groups so far
    ends: list[int] = []
    depths: list[int] = []  # levels of groups in each of them, itself included
    opened: dict[str, list[int]] = {"(": [], "[": [], "{": []}
    # For a closing bracket: the open brackets of its kind, then those of the two other kinds.
    closed = {
        ")": (opened["("], opened["["], opened["{"]),
        "]": (opened["["], opened["("], opened["{"]),
        "}": (opened["{"], opened["("], opened["["]),
    }
    deepest = -1  # start of the last group that has MAX_NESTING levels
    for place in places:
        bracket = text[place]
        if bracket in opened:
            opened[bracket].append(place)
            continue
        own, one, other = closed[bracket]
        if not own:
            continue
        start = own.pop()
        if start < deepest:  # one level too deep: this group and those around it are words
            own.clear()
            one.clear()
            other.clear()
            continue
        while one and one[-1] > start:
            one.pop()
        while other and other[-1] > start:
            other.pop()
        depth = 1
        while starts and starts[-1] > start:
            starts.pop()
            ends.pop()
            inside = depths.pop()
            if inside >= depth:
                depth = inside + 1
        if depth == MAX_NESTING:
            deepest = start
        starts.append(start)
        ends.append(place)
        depths.append(depth)
    return starts, ends, "".join(bracket for bracket, left in opened.items() if left)
