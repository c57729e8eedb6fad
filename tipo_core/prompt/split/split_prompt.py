"""Tags and captions of a mixed prompt, told apart and kept verbatim.

The prompt is cut into units: its segments, and these again at sentence ends. Each unit gets a
score from its words (positive: caption, negative: tag), and the best labelling of the whole row of
units is taken, where it costs something to change sides in the middle of a sentence or a quote.
That carries "A girl with a hat, blue eyes, and a cat, sits by the window." over its commas.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import Enum

from ..sentences import split_sentences
from ..syntax.parse import Prompt, Segment, SpanKind, parse
from .caption_score import CONTINUES, DETERMINERS, JOINS, KNOWN_TAG, STARTERS, VERBS, caption_score


class Side(str, Enum):
    """Where a part of the prompt belongs; separators and blanks belong nowhere."""

    TAGS = "tags"
    CAPTION = "caption"
    NETWORKS = "networks"
    REST = "rest"
    SEPARATOR = "separator"


@dataclass(frozen=True)
class Part:
    """A verbatim piece of the prompt and its side."""

    text: str
    side: Side
    start: int

    @property
    def end(self) -> int:
        """Offset after the last character."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class SplitPrompt:
    """A prompt split by side. The texts of ``parts`` joined are the prompt.

    ``networks`` are the LoRAs, other angle tags and embeddings that stand alone; ``rest`` are
    BREAK and AND, comments and lone wildcards. Neighbours of one side keep the separator that
    the user wrote between them; others are joined by ``", "``, captions by a blank.
    """

    tags: str
    caption: str
    networks: str
    rest: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class _Unit:
    """A segment or a sentence of one: its place, its plain words and its looks."""

    start: int
    end: int
    plain: str
    side: Side | None  # None: tags or caption, to be found out
    ends_sentence: bool
    after_line_break: bool
    is_in_quotes: bool  # that another unit opened
    is_typed_as_tag: bool  # with underscores or escaped parentheses


def split_prompt(text: str) -> SplitPrompt:
    """Split a prompt into tags, caption, networks and the rest; never raises."""
    units = _units(parse(text))
    sides = _label(units)
    parts: list[Part] = []
    position = 0
    for unit, side in zip(units, sides, strict=True):
        if unit.start > position:
            parts.append(Part(text[position : unit.start], Side.SEPARATOR, position))
        parts.append(Part(text[unit.start : unit.end], side, unit.start))
        position = unit.end
    if position < len(text):
        parts.append(Part(text[position:], Side.SEPARATOR, position))
    return SplitPrompt(
        tags=_joined(parts, Side.TAGS),
        caption=_joined(parts, Side.CAPTION),
        networks=_joined(parts, Side.NETWORKS),
        rest=_joined(parts, Side.REST),
        parts=tuple(parts),
    )


def _joined(parts: list[Part], side: Side) -> str:
    between = " " if side is Side.CAPTION else "\n" if side is Side.REST else ", "
    output: list[str] = []
    separator = None  # the user's own, while nothing else stood in between
    for part in parts:
        if part.side is side:
            if output:
                output.append(between if separator is None else separator)
            output.append(part.text)
            separator = ""
        elif part.side is Side.SEPARATOR:
            separator = None if separator is None else separator + part.text
        else:
            separator = None
    return "".join(output)


# ------------------------------------------------------------------------------------ the units

_SENTENCE_END = re.compile(r"[.!?\u2026\u3002\uff01\uff1f][\"'\u201d\u2019)\]\u300d]*\Z")
_MAY_END = re.compile(r"[.!?\u2026\u3002\uff01\uff1f]")
_TYPED_AS_TAG = re.compile(r"[^\W_]_[^\W_]|\\[()]|[^\W_]_\(")
_QUOTE = re.compile(
    r"(?<![^\s(\[,:])(?:\"[^\s\"][^\"\r\n]{0,200}\"|\u201c[^\u201c\u201d\r\n]{1,200}\u201d)"
)
_NETWORKS = frozenset({SpanKind.ANGLE, SpanKind.EMBEDDING})


def _units(prompt: Prompt) -> list[_Unit]:
    line_breaks = [span.end for span in prompt.spans if span.kind is SpanKind.NEWLINE]
    quotes = [match.span() for match in _QUOTE.finditer(str(prompt))]
    passed = 0  # line breaks
    units: list[_Unit] = []
    for segment in prompt.segments():
        broken = bisect_right(line_breaks, segment.start)
        after_break, passed = broken > passed, broken
        whole_side = _fixed_side(segment)
        for text, start in [(segment.text, segment.start)] if whole_side else _sentences(segment):
            bare = text.rstrip()
            is_whole = len(bare) == len(segment.text)
            side = whole_side if is_whole else _lone_side(bare)
            plain = segment.plain if is_whole else " ".join(bare.split())
            units.append(
                _Unit(
                    start=start,
                    end=start + len(bare),
                    plain=plain,
                    side=side,
                    ends_sentence=len(plain) > 3 and _SENTENCE_END.search(plain) is not None,
                    after_line_break=after_break,
                    is_in_quotes=_is_inside(start, quotes),
                    is_typed_as_tag=_TYPED_AS_TAG.search(bare) is not None,
                )
            )
            after_break = False
    return units


def _fixed_side(segment: Segment) -> Side | None:
    if segment.words:
        return None
    kinds = {span.kind for span in segment.spans}
    return Side.NETWORKS if kinds & _NETWORKS else Side.REST


def _lone_side(piece: str) -> Side | None:
    """The side of what stands behind a sentence, as in ``A cat. embedding:soft``."""
    if not (piece.startswith("__") or piece[:10].lower() == "embedding:"):
        return None
    inside = parse(piece).segments()
    return _fixed_side(inside[0]) if len(inside) == 1 else None


def _sentences(segment: Segment) -> list[tuple[str, int]]:
    """The sentences of a segment with their offsets; groups are never cut."""
    if not _MAY_END.search(segment.text):
        return [(segment.text, segment.start)]
    groups = [
        (s.start, s.end) for s in segment.spans if s.kind not in (SpanKind.WORD, SpanKind.ESCAPE)
    ]
    pieces: list[tuple[str, int]] = []
    begin = end = segment.start
    for sentence in split_sentences(segment.text):
        end += len(sentence)
        before = bisect_left(groups, (end, 0)) - 1  # the last group that starts before the end
        if before < 0 or groups[before][1] <= end:
            pieces.append((segment.text[begin - segment.start : end - segment.start], begin))
            begin = end
    if begin < end:
        pieces.append((segment.text[begin - segment.start :], begin))
    return pieces


def _is_inside(offset: int, ranges: list[tuple[int, int]]) -> bool:
    """Whether the offset is in one of the ranges, not at its start."""
    before = bisect_left(ranges, (offset, 0)) - 1
    return before >= 0 and offset < ranges[before][1]


# ----------------------------------------------------------------------------------- the labels

_LONGEST_LIST = 8  # pieces before the last one
_GOES_ON = CONTINUES | VERBS
_CLEAR = 3.0  # the least score of the last one where no other piece looks like a caption
_LIST_PIECE = 0.2  # the least score of what stands in a list of a caption
_INSIDE = 8.0  # the cost of changing sides within quotes, or between the pieces of a list


def _scores(units: list[_Unit]) -> list[float]:
    """The scores of all units, where ``Corn, rice, and meat are on a plate.`` is seen as a list."""
    scores = [
        caption_score(
            unit.plain, ends_sentence=unit.ends_sentence, is_typed_as_tag=unit.is_typed_as_tag
        )
        for unit in units
    ]
    for last, unit in enumerate(units):
        if scores[last] > 0 and (_starts_with(unit, JOINS) or _ends_list(unit)):
            for index in range(_first_of_list(units, scores, last), last):
                scores[index] = max(scores[index], _LIST_PIECE)
    return scores


def _ends_list(unit: _Unit) -> bool:
    """Whether the unit reads ``dogs and people share the street.``, which began before."""
    if not unit.ends_sentence or _starts_with(unit, DETERMINERS):
        return False
    return not JOINS.isdisjoint(unit.plain[:60].lower().split()[1:3])


def _first_of_list(units: list[_Unit], scores: list[float], last: int) -> int:
    """Where the list that ends with the unit `last` begins; `last` itself where there is none.

    It begins with a caption, or with a short piece at the start of the prompt, of a line or behind
    a sentence; where no comma stands before the ``and``, that piece begins with a capital.
    """
    is_sure = _starts_with(units[last], JOINS)
    for index in range(last - 1, max(-1, last - 1 - _LONGEST_LIST), -1):
        unit = units[index]
        if unit.ends_sentence or scores[index] <= KNOWN_TAG or units[index + 1].after_line_break:
            return last
        is_first = index == 0 or unit.after_line_break or units[index - 1].ends_sentence
        if scores[index] > 0:
            return index
        if is_first:
            begins = scores[last] >= _CLEAR and (is_sure or unit.plain[:1].isupper())
            return index if begins else last
    return last


def _starts_with(unit: _Unit, words: frozenset[str]) -> bool:
    first = unit.plain[:20].split(maxsplit=1)[:1]
    return bool(first) and first[0].lower() in words


def _label(units: list[_Unit]) -> list[Side]:
    """The sides with the best sum of scores less the costs of changing sides (Viterbi)."""
    labels: list[Side] = [unit.side or Side.TAGS for unit in units]
    free = [index for index, unit in enumerate(units) if unit.side is None]
    scores = _scores([units[index] for index in free])
    best_tags, best_caption = 0.0, float("-inf")
    from_caption: list[tuple[bool, bool]] = []  # whether the best way here came from a caption
    previous: _Unit | None = None
    for index, score in zip(free, scores, strict=True):
        unit = units[index]
        enter, leave, stay = _costs(previous, unit)
        came_tags = best_caption - leave > best_tags
        came_caption = best_caption - stay > best_tags - enter
        best_tags, best_caption = (
            max(best_tags, best_caption - leave),
            max(best_caption - stay, best_tags - enter) + score,
        )
        from_caption.append((came_tags, came_caption))
        previous = unit
    is_caption = best_caption > best_tags
    for index, came in zip(reversed(free), reversed(from_caption), strict=True):
        labels[index] = Side.CAPTION if is_caption else Side.TAGS
        is_caption = came[is_caption]
    return labels


def _costs(previous: _Unit | None, unit: _Unit) -> tuple[float, float, float]:
    """The costs of entering a caption with this unit, of leaving one, and of staying in it."""
    if unit.is_in_quotes and previous is not None:
        return _INSIDE, _INSIDE, 0.0
    starts_small = unit.plain[:1].islower()
    starts_phrase = _starts_with(unit, STARTERS)
    enter = 0.5 + (0.0 if not starts_small or starts_phrase else 1.5)
    if _starts_with(unit, JOINS):
        enter += _INSIDE - 2.0  # ``A bed, a lamp, and a chair.`` began before
    elif _starts_with(unit, _GOES_ON):
        enter += 2.0
    if previous is None:
        return enter - 0.5, 0.0, 0.0
    if previous.plain.endswith(('"', "\u201d")) and starts_small:
        return enter, 1.0, 0.0  # ``She says "Hello!" while ...``
    if previous.ends_sentence:
        return enter, 0.0, 1.0 if starts_small and not starts_phrase else 0.0
    return enter, (0.3 if unit.after_line_break else 1.0), 0.0
