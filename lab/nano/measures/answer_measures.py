"""Measures of generated text: form, length, variety, safety."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tipo_core.expansion.format import Answer, Request, split_tags
from tipo_core.expansion.tasks import Field
from tipo_core.prompt import canonical, count_sentences, split_sentences


def distinct_n(texts: Iterable[str], n: int = 2) -> float:
    """Return distinct word n-grams / all word n-grams of the texts (Li et al. 2016)."""
    grams: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        words = text.lower().split()
        grams.update(tuple(words[first : first + n]) for first in range(len(words) - n + 1))
    total = sum(grams.values())
    return len(grams) / total if total else 0.0


def repetition(items: Sequence[str]) -> float:
    """Return the share of `items` (tags or sentences) that repeat an earlier item."""
    names = [canonical(item) for item in items]
    return 1 - len(set(names)) / len(names) if names else 0.0


@dataclass(frozen=True)
class AnswerMeasures:
    """The measures of one answer; the repetitions are shares from 0 to 1."""

    well_formed: bool
    length_reached: bool
    tag_repetition: float
    sentence_repetition: float


def measure_answer(request: Request, answer: Answer, ended: bool) -> AnswerMeasures:
    """Return the measures of one answer; `ended` is whether it ended with the end token.

    Well-formed: the answer ended and has every requested field and nothing else. Length reached:
    every field of the answer has a number of tags or sentences within the requested class; `short`
    fields have no class.
    """
    reached = True
    tag_share = sentence_share = 0.0
    for name, text in answer.fields.items():
        whole = request.given.get(name, "") + text
        if name is Field.TAG:
            tags = split_tags(whole)
            reached &= len(tags) in request.length.tags
            tag_share = repetition(tags)
        elif name is Field.LONG:
            if request.task.has_length:
                reached &= count_sentences(whole) in request.length.sentences
            sentence_share = repetition(split_sentences(whole))
    return AnswerMeasures(answer.well_formed and ended, reached, tag_share, sentence_share)
