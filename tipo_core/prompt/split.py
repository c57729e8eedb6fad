"""Tags and captions of a mixed prompt, told apart and kept verbatim.

The prompt is cut into units: its segments, and these again at sentence ends. Each unit gets a
score from a few plain features (positive: caption, negative: tag), and the best labelling of the
whole row of units is taken, where it costs something to change sides in the middle of a sentence.
That carries "A girl with a hat, blue eyes, and a cat, sits by the window." over its commas.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import Enum

from .scanner import SpanKind
from .sentences import split_sentences
from .syntax import Prompt, Segment, parse
from .vocabulary import Category, category


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
_NETWORKS = frozenset({SpanKind.ANGLE, SpanKind.EMBEDDING})


def _units(prompt: Prompt) -> list[_Unit]:
    line_breaks = [span.end for span in prompt.spans if span.kind is SpanKind.NEWLINE]
    passed = 0  # line breaks
    units: list[_Unit] = []
    for segment in prompt.segments():
        broken = bisect_right(line_breaks, segment.start)
        after_break, passed = broken > passed, broken
        side = _fixed_side(segment)
        for text, start in [(segment.text, segment.start)] if side else _sentences(segment):
            bare = text.rstrip()
            is_whole = len(bare) == len(segment.text)
            plain = segment.plain if is_whole else " ".join(bare.split())
            units.append(
                _Unit(
                    start=start,
                    end=start + len(bare),
                    plain=plain,
                    side=side,
                    ends_sentence=len(plain) > 3 and _SENTENCE_END.search(plain) is not None,
                    after_line_break=after_break,
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


# ----------------------------------------------------------------------------------- the scores

_DETERMINERS = frozenset(
    (
        *("a", "an", "the", "his", "her", "its", "their", "our", "my", "your", "this", "that"),
        *("these", "those", "some", "another", "each", "every", "several", "many"),
    )
)
_PRONOUNS_AND_AUXILIARIES = frozenset(
    (
        *("he", "she", "it", "they", "we", "i", "you", "there", "who", "which", "while", "where"),
        *("is", "are", "was", "were", "be", "been", "being", "has", "have", "had", "does", "can"),
        *("will", "seems", "appears", "as", "and", "or", "but", "because", "him", "them", "to"),
    )
)
_VERBS = frozenset(
    (
        *("sits", "stands", "wears", "holds", "looks", "walks", "smiles", "reads", "rides"),
        *("runs", "lies", "lays", "sleeps", "stares", "gazes", "leans", "shows", "features"),
        *("depicts", "plays", "eats", "drinks", "flies", "hangs", "rests", "waits", "watches"),
        *("carries", "jumps", "swims", "laughs", "cries", "dances", "sings", "reaches", "points"),
        *("kneels", "poses", "prepares", "takes", "gets", "makes", "goes", "comes", "does"),
        *("displays", "contains", "includes", "surrounds", "surrounded", "covered", "filled"),
        *("parked", "located", "seated", "dressed", "placed", "topped", "sitting", "standing"),
    )
)
_PREPOSITIONS = frozenset(
    (
        *("of", "in", "on", "at", "by", "with", "from", "into", "onto", "near", "behind", "for"),
        *("under", "over", "through", "between", "beside", "above", "below", "around", "next"),
        *("outside", "inside", "along", "across", "against", "towards", "up", "down", "front"),
    )
)
_STARTERS = _DETERMINERS | {"he", "she", "it", "they", "we", "i", "you", "there"}
_CONTINUES = frozenset(("and", "or", "but", "with", "while", "as", "who", "which", "where"))
_TAG_CATEGORIES = frozenset(set(Category) - {Category.GENERAL})
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_WIDE_STOP = re.compile(r"[\u3002\uff01\uff1f]")


def _score(unit: _Unit) -> float:
    """How much the unit looks like a caption (positive) or a tag (negative)."""
    words = _WORD.findall(unit.plain)
    lower = [word.lower() for word in words]
    if not words:
        return 0.0
    if len(words) <= 4 and category(unit.plain) in _TAG_CATEGORIES:
        return -5.0
    score = (-3.0, -2.0, -1.3, -0.6)[len(words) - 1] if len(words) <= 4 else 0.0
    score += min(3.0, 0.6 * max(0, len(words) - 4))
    score += sum(2.0 for word in lower if word in _DETERMINERS)
    score += sum(1.2 for word in lower if word in _PRONOUNS_AND_AUXILIARIES)
    score += sum(1.2 for word in lower if word in _VERBS)
    score += sum(0.5 for word in lower[1:] if word in _PREPOSITIONS)
    if words[0][0].isupper() and words[0][1:].islower() | (len(words[0]) == 1):
        score += 1.0
    if lower[0] in _CONTINUES:
        score += 1.5
    if words[0][0].isdigit():
        score -= 2.0
    if unit.is_typed_as_tag:
        score -= 4.0
    if unit.ends_sentence:
        score += 3.0
    if _WIDE_STOP.search(unit.plain):
        score += 3.0
    return score


def _label(units: list[_Unit]) -> list[Side]:
    """The sides with the best sum of scores less the costs of changing sides (Viterbi)."""
    labels: list[Side] = [unit.side or Side.TAGS for unit in units]
    free = [index for index, unit in enumerate(units) if unit.side is None]
    best_tags, best_caption = 0.0, float("-inf")
    from_caption: list[tuple[bool, bool]] = []  # whether the best way here came from a caption
    previous: _Unit | None = None
    for index in free:
        unit = units[index]
        enter, leave, stay = _costs(previous, unit)
        came_tags = best_caption - leave > best_tags
        came_caption = best_caption - stay > best_tags - enter
        best_tags, best_caption = (
            max(best_tags, best_caption - leave),
            max(best_caption - stay, best_tags - enter) + _score(unit),
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
    starts_small = unit.plain[:1].islower()
    first = unit.plain.split(maxsplit=1)[:1]
    starts_phrase = bool(first) and first[0].lower() in _STARTERS
    enter = 0.5 + (0.0 if not starts_small or starts_phrase else 1.5)
    if previous is None:
        return enter - 0.5, 0.0, 0.0
    if previous.ends_sentence:
        return enter, 0.0, 1.0 if starts_small and not starts_phrase else 0.0
    return enter, (0.3 if unit.after_line_break else 1.0), 0.0
