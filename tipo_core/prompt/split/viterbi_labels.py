"""Labels the units of a prompt as tags or caption, all of them together.

A conditional random field of two states: each unit has a score (positive: caption, negative: tag),
and so has each pair of neighbours on the same or on different sides. The labelling with the best
sum is chosen (Viterbi). So "A girl with a hat, blue eyes, and a cat, sits by the window." stays a
caption across its commas.
"""

from __future__ import annotations

from collections.abc import Sequence

from .prompt_units import Side, Unit
from .sentence_forms import lower_tags_between, raise_sentences
from .split_weights import SplitWeights, shipped_weights
from .unit_features import UnitFeatures, features

_SURELY_TAG = 4.0


def label_units(units: list[Unit]) -> list[Side]:
    """Return the sides with the best sum of scores (Viterbi)."""
    labels: list[Side] = [unit.side or Side.TAGS for unit in units]
    undecided = [index for index, unit in enumerate(units) if unit.side is None]
    if undecided:
        weights = shipped_weights()
        found, joints = features([units[index] for index in undecided])
        scores = unit_scores(weights, found)
        raise_sentences([units[index] for index in undecided], scores)
        lower_tags_between([units[index] for index in undecided], scores)
        captions = best_captions(weights, scores, joints)
        for index, is_caption in zip(undecided, captions, strict=True):
            labels[index] = Side.CAPTION if is_caption else Side.TAGS
    return labels


def unit_scores(weights: SplitWeights, found: Sequence[UnitFeatures]) -> list[float]:
    """The scores of the units: log odds of a caption, apart from their neighbours' sides."""
    value = weights.unit.__getitem__
    scores = []
    for pieces, place, is_surely_tag in found:
        total: float = sum(map(value, place))
        for rows in pieces:
            total += sum(map(value, rows)) / len(pieces)
        scores.append(weights.unit_step * total - (_SURELY_TAG if is_surely_tag else 0.0))
    return scores


def best_captions(
    weights: SplitWeights, scores: Sequence[float], joints: Sequence[tuple[int, ...]]
) -> list[bool]:
    """Whether each unit is a caption in the best labelling; tags where both are equal."""
    best_tags, best_caption = 0.0, scores[0]
    # Whether the best path to (tags, caption) at each unit came from a caption.
    from_caption: list[tuple[bool, bool]] = []
    step = weights.joint_step
    for score, rows in zip(scores[1:], joints, strict=True):
        enter = best_tags + step * sum(map(weights.enter.__getitem__, rows))
        leave = best_caption + step * sum(map(weights.leave.__getitem__, rows))
        stay = best_caption + step * sum(map(weights.stay.__getitem__, rows))
        from_caption.append((leave > best_tags, stay > enter))
        best_tags, best_caption = max(leave, best_tags), max(stay, enter) + score
    is_caption = best_caption > best_tags
    captions = [is_caption]
    for came_from in reversed(from_caption):
        is_caption = came_from[is_caption]
        captions.append(is_caption)
    captions.reverse()
    return captions
