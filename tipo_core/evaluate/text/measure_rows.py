"""All measures of a run, as rows: a value, its 95 % interval, and the number of requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean
from typing import TYPE_CHECKING, Any

from .answers import ExpandedText
from .caption_faults import unknown_words
from .intervals import Estimate, bootstrap_mean, wilson
from .overlap import (
    distinct_between_seeds,
    overlap_between_kinds,
    overlap_between_seeds,
    unshared_tags,
    widespread_tags,
)
from .tag_knowledge import AskedPersons, TypedText
from .text_faults import FAULTS, faults_of, faulty_tags

if TYPE_CHECKING:
    from ...lm.generate.engine import LlamaLanguageModel

_CONTRADICTIONS = ("contradiction", "caption contradiction")


@dataclass(frozen=True)
class MeasureRow:
    """One measure. With `is_share` the value is a share of requests, from 0 to 1."""

    name: str
    estimate: Estimate
    is_share: bool


@dataclass(frozen=True)
class TextMeasures:
    """All measures of a run: the rows, the faults of each answer, the most widespread tags.

    `widespread` holds a tag, the number of kinds and the number of requests that it was added to.
    """

    rows: tuple[MeasureRow, ...]
    answers: tuple[ExpandedText, ...]
    faults: tuple[dict[str, tuple[str, ...]], ...]
    widespread: tuple[tuple[str, int, int], ...]


def measure_answers(
    answers: Sequence[ExpandedText],
    scorer: LlamaLanguageModel | None = None,
    on_scored: Callable[[int], None] = lambda done: None,
) -> TextMeasures:
    """Measure answers; those of one request follow each other. `scorer` judges relevance."""
    groups = [list(group) for _, group in groupby(answers, lambda answer: answer.request)]
    faults = [[faults_of(answer) for answer in group] for group in groups]
    persons = [TypedText(group[0]).persons for group in groups]
    scenes = [group for group, asked in zip(groups, persons, strict=True) if asked.is_nobody]
    rows = [
        *_overlap_rows(groups, scenes),
        *_fault_rows(faults, persons),
        *_slot_rows(faults),
        *_mean_rows(groups, faults),
    ]
    if scorer is not None:
        rows += _relevance_rows(scorer, [group[0] for group in groups], on_scored)
    return TextMeasures(
        rows=tuple(rows),
        answers=tuple(answers),
        faults=tuple(one for group in faults for one in group),
        widespread=tuple(widespread_tags(groups)),
    )


Faults = list[list[dict[str, tuple[str, ...]]]]
Groups = Sequence[Sequence[ExpandedText]]


def _row(name: str, estimate: Estimate | None, is_share: bool = False) -> list[MeasureRow]:
    return [] if estimate is None else [MeasureRow(name, estimate, is_share)]


def _overlap_rows(groups: Groups, scenes: Groups) -> list[MeasureRow]:
    return [
        *_row("overlap of two kinds' additions", overlap_between_kinds(groups)),
        *_row(
            "overlap of two kinds' additions, no person asked for", overlap_between_kinds(scenes)
        ),
        *_row("added tags that no other request got", unshared_tags(groups), True),
        *_row("overlap of two seeds' additions", overlap_between_seeds(groups)),
        *_row("distinct added tags of all seeds", distinct_between_seeds(groups), True),
    ]


def _fault_rows(faults: Faults, persons: Sequence[AskedPersons]) -> list[MeasureRow]:
    rows: list[MeasureRow] = []
    with_persons = [one for one, asked in zip(faults, persons, strict=True) if asked.kinds]
    others = [one for one, asked in zip(faults, persons, strict=True) if asked.is_nobody]
    for key, name in FAULTS.items():
        rows += _row(name, _share(faults, key), True)
        if key in ("filler", "contradiction", "something else"):
            rows += _row(f"{name}, a person asked for", _share(with_persons, key), True)
            rows += _row(f"{name}, no person asked for", _share(others, key), True)
    return rows


def _slot_rows(faults: Faults) -> list[MeasureRow]:
    """Return a row for each slot with a contradiction, the most frequent first."""
    slots = {
        piece.partition(":")[0]
        for group in faults
        for one in group
        for key in _CONTRADICTIONS
        for piece in one.get(key, ())
    }
    rows = []
    for slot in sorted(slots):
        shares = [fmean(_is_in_slot(one, slot) for one in group) for group in faults]
        rows += _row(f"contradiction in {slot}", wilson(shares), True)
    return sorted(rows, key=lambda row: -row.estimate.value)


def _is_in_slot(faults: dict[str, tuple[str, ...]], slot: str) -> bool:
    pieces = (piece for key in _CONTRADICTIONS for piece in faults.get(key, ()))
    return any(piece.startswith(f"{slot}:") for piece in pieces)


def _share(faults: Faults, key: str) -> Estimate | None:
    """Return the share of requests with the fault; a request counts by its share of seeds."""
    shares = []
    for group in faults:
        applicable = [bool(one[key]) for one in group if key in one]
        if applicable:
            shares.append(fmean(applicable))
    return wilson(shares)


def _mean_rows(groups: Groups, faults: Faults) -> list[MeasureRow]:
    unknown = []
    for group, found in zip(groups, faults, strict=True):
        counts = [
            unknown_words(answer, faulty_tags(one))
            for answer, one in zip(group, found, strict=True)
        ]
        shares = [missing / words for missing, words in counts if words]
        if shares:
            unknown.append(fmean(shares))
    lengths = [fmean(len(answer.added_tags) for answer in group) for group in groups]
    seconds = [fmean(answer.seconds for answer in group) for group in groups]
    return [
        *_row("caption words that neither request nor tags know", bootstrap_mean(unknown), True),
        *_row("added tags", bootstrap_mean(lengths)),
        *(_row("CPU seconds", bootstrap_mean(seconds)) if any(seconds) else ()),
    ]


def _relevance_rows(
    scorer: LlamaLanguageModel,
    answers: Sequence[ExpandedText],
    on_scored: Callable[[int], None],
) -> list[MeasureRow]:
    from .scorer import scored_relevance

    found = scored_relevance(scorer, answers, on_scored)
    if found is None:
        return []
    return [
        *_row("relevance of the added tags: other requests beaten", found.wins, True),
        *_row("relevance of the added tags: nats per token gained", found.gain),
    ]


def row_json(row: MeasureRow) -> dict[str, Any]:
    """Return a row as JSON values."""
    estimate = row.estimate
    return {
        "measure": row.name,
        "value": round(estimate.value, 6),
        "low": round(estimate.low, 6),
        "high": round(estimate.high, 6),
        "requests": estimate.count,
        "is_share": row.is_share,
    }
