"""Which brackets of a prompt belong together, in linear time.

A closing bracket takes the last open one of its kind; brackets in between that found no partner are
words. So are the brackets in escapes, angle tags and comments, and the emoticons ``:)`` and ``:(``.
"""

from __future__ import annotations

import re
from types import MappingProxyType

# Groups nested deeper are words: only the innermost levels count.
MAX_NESTING = 16
# Stands for a bracket that is a word. It is no letter, and has no meaning in the prompt language.
FILLER = "?"
_ANGLE_REST = r"[A-Za-z][\w-]*:[^<>\r\n]*>"
ANGLE = f"<{_ANGLE_REST}"
COMMENT = r"\#(?:(?<![^\r\n]\#)|(?<=[ \t]\#)(?=[ \t\r\n]|\Z))[^\r\n]*"

_OPAQUE = re.compile(rf"(<(?<!\\<){_ANGLE_REST}|{COMMENT})")
_EMOTICON = re.compile(r"(?<=[:;=])(?<![^\s,][:;=])[()](?=[ \t]*(?:[,\uff0c\u3001\r\n]|\Z))")
_LIKE_EMOTICON = re.compile(r"[:;=][()]")
_BRACKET = re.compile(r"[()\[\]{}]")
_BRACKETS = frozenset("()[]{}")
_BRACKET_TO_FILLER = MappingProxyType({ord(bracket): FILLER for bracket in "()[]{}"})
_NOT_ESCAPED = re.compile(r"(?<!\\)[()\[\]{}]")


def outlined(text: str, pos: int, end: int) -> str:
    """The text with no brackets in ``[pos, end)`` but those around the outermost groups.

    All others, apart from the escaped ones, have become FILLER.
    """
    if not _BRACKET.search(text, pos, end):
        return text
    visible = _without_opaque(text) if "<" in text or "#" in text else text
    inside = visible if end - pos == len(text) else visible[pos:end]
    places = [place for place, sign in enumerate(inside, pos) if sign in _BRACKETS]
    if "\\" in text:
        places = [place for place in places if not place or visible[place - 1] != "\\"]
    if _LIKE_EMOTICON.search(visible):
        brackets, places = places, []
        for number, place in enumerate(brackets):
            if visible[place - 1] not in ":;=" or not _is_emoticon(visible, brackets, number):
                places.append(place)
    starts, ends = _outermost(visible, places)
    if "\\" in text:
        signs = list(_NOT_ESCAPED.sub(FILLER, text))
    else:
        signs = list(text.translate(_BRACKET_TO_FILLER))
    for start, last in zip(starts, ends, strict=True):
        signs[start] = text[start]
        signs[last] = text[last]
    return "".join(signs)


def _without_opaque(text: str) -> str:
    """The text with FILLER in place of angle tags and comments."""
    parts = _OPAQUE.split(text)
    parts[1::2] = [FILLER * len(part) for part in parts[1::2]]
    return "".join(parts)


def _is_emoticon(text: str, places: list[int], number: int) -> bool:
    """Whether the bracket is in an emoticon; ``(a :)`` is a group."""
    place = places[number]
    if not _EMOTICON.match(text, place):
        return False
    if text[place] == ")":
        return not number or text[places[number - 1]] != "("
    return place == places[-1] or text[places[number + 1]] != ")"


def _outermost(text: str, places: list[int]) -> tuple[list[int], list[int]]:
    """Where the outermost groups start, and where they end, given the places of all brackets."""
    starts: list[int] = []  # of the outermost groups so far, and
    ends: list[int] = []
    depths: list[int] = []  # how many levels of groups each of them is
    opened: dict[str, list[int]] = {"(": [], "[": [], "{": []}
    # For a closing bracket the open ones of its kind, and those of the two others.
    closed = {
        ")": (opened["("], opened["["], opened["{"]),
        "]": (opened["["], opened["("], opened["{"]),
        "}": (opened["{"], opened["("], opened["["]),
    }
    deepest = -1  # where the last group with all levels that there may be starts
    for place in places:
        bracket = text[place]
        if bracket in opened:
            opened[bracket].append(place)
            continue
        own, one, other = closed[bracket]
        if not own:
            continue
        start = own.pop()
        if start < deepest:  # one level too many: this group and all around it are words
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
    return starts, ends
