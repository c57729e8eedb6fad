"""Labels the units of a prompt as tags or caption, all of them together.

Each unit has a score (positive: caption, negative: tag), and a change of sides has a cost, which is
high inside a sentence or a quote. The labelling with the best sum is chosen (Viterbi). So "A girl
with a hat, blue eyes, and a cat, sits by the window." stays a caption across its commas.
"""

from __future__ import annotations

from .caption_classifier import (
    CONTINUES,
    DETERMINERS,
    JOINS,
    KNOWN_TAG,
    STARTERS,
    VERBS,
    score_caption,
)
from .prompt_units import Side, Unit

_MAX_LIST_UNITS = 8  # before the last one
_CONTINUING = CONTINUES | VERBS
_CLEAR_SCORE = 3.0  # min score of a list's last unit where no other unit scores as a caption
_LIST_SCORE = 0.2  # min score of a unit in a list of a caption
_INSIDE_COST = 8.0  # of a change of sides within quotes, or between the units of a list


def label_units(units: list[Unit]) -> list[Side]:
    """Return the sides with the best sum of scores less the costs of changing sides (Viterbi)."""
    labels: list[Side] = [unit.side or Side.TAGS for unit in units]
    undecided = [index for index, unit in enumerate(units) if unit.side is None]
    scores = _scores([units[index] for index in undecided])
    best_tags, best_caption = 0.0, float("-inf")
    # Whether the best path to (tags, caption) at each unit came from a caption.
    from_caption: list[tuple[bool, bool]] = []
    previous: Unit | None = None
    for index, score in zip(undecided, scores, strict=True):
        unit = units[index]
        enter, leave, stay = _costs(previous, unit)
        tags_from_caption = best_caption - leave > best_tags
        caption_from_caption = best_caption - stay > best_tags - enter
        best_tags, best_caption = (
            max(best_tags, best_caption - leave),
            max(best_caption - stay, best_tags - enter) + score,
        )
        from_caption.append((tags_from_caption, caption_from_caption))
        previous = unit
    is_caption = best_caption > best_tags
    for index, came_from in zip(reversed(undecided), reversed(from_caption), strict=True):
        labels[index] = Side.CAPTION if is_caption else Side.TAGS
        is_caption = came_from[is_caption]
    return labels


def _scores(units: list[Unit]) -> list[float]:
    """The scores of all units. ``Corn, rice, and meat are on a plate.`` is scored as one list."""
    scores = [
        score_caption(
            unit.plain, ends_sentence=unit.ends_sentence, is_typed_as_tag=unit.is_typed_as_tag
        )
        for unit in units
    ]
    for last, unit in enumerate(units):
        if scores[last] > 0 and (_starts_with(unit, JOINS) or _ends_list(unit)):
            for index in range(_first_of_list(units, scores, last), last):
                scores[index] = max(scores[index], _LIST_SCORE)
    return scores


def _ends_list(unit: Unit) -> bool:
    """Whether the unit ends a list, as ``dogs and people share the street.`` does."""
    if not unit.ends_sentence or _starts_with(unit, DETERMINERS):
        return False
    return not JOINS.isdisjoint(unit.plain[:60].lower().split()[1:3])


def _first_of_list(units: list[Unit], scores: list[float], last: int) -> int:
    """The index of the first unit of the list that ends with unit `last`; `last` for no list.

    A list begins with a caption, or with a short unit that starts the prompt, a line or a sentence.
    Where no comma stands before the ``and``, that unit must begin with a capital.
    """
    has_comma_before_and = _starts_with(units[last], JOINS)
    for index in range(last - 1, max(-1, last - 1 - _MAX_LIST_UNITS), -1):
        unit = units[index]
        if unit.ends_sentence or scores[index] <= KNOWN_TAG or units[index + 1].after_line_break:
            return last
        is_first = index == 0 or unit.after_line_break or units[index - 1].ends_sentence
        if scores[index] > 0:
            return index
        if is_first:
            can_begin = has_comma_before_and or unit.plain[:1].isupper()
            return index if can_begin and scores[last] >= _CLEAR_SCORE else last
    return last


def _starts_with(unit: Unit, words: frozenset[str]) -> bool:
    first = unit.plain[:20].split(maxsplit=1)[:1]
    return bool(first) and first[0].lower() in words


def _costs(previous: Unit | None, unit: Unit) -> tuple[float, float, float]:
    """The costs of entering a caption with this unit, of leaving one, and of staying in one."""
    if unit.is_in_quotes and previous is not None:
        return _INSIDE_COST, _INSIDE_COST, 0.0
    starts_lower = unit.plain[:1].islower()
    starts_phrase = _starts_with(unit, STARTERS)
    enter = 0.5 + (0.0 if not starts_lower or starts_phrase else 1.5)
    if _starts_with(unit, JOINS):
        enter += _INSIDE_COST - 2.0  # ``A bed, a lamp, and a chair.`` began earlier
    elif _starts_with(unit, _CONTINUING):
        enter += 2.0
    if previous is None:
        return enter - 0.5, 0.0, 0.0
    if previous.plain.endswith(('"', "\u201d")) and starts_lower:
        return enter, 1.0, 0.0  # ``She says "Hello!" while ...``
    if previous.ends_sentence:
        return enter, 0.0, 1.0 if starts_lower and not starts_phrase else 0.0
    return enter, (0.3 if unit.after_line_break else 1.0), 0.0
