"""Measures of text on made answers."""

from __future__ import annotations

import pytest

from lab.nano.measures.answer_measures import distinct_n, measure_answer, repetition
from tipo_core.expansion.format import Request, read_answer
from tipo_core.expansion.tasks import Field, Length, Task


def test_distinct_2_counts_different_pairs_of_words() -> None:
    assert distinct_n(["a b c", "a b d"]) == pytest.approx(3 / 4)
    assert distinct_n(["a a a a"]) == pytest.approx(1 / 3)
    assert distinct_n([""]) == 0.0


def test_repetition_is_the_share_of_what_was_there_before() -> None:
    assert repetition(["cat ears", "Cat_Ears", "hat", "coat"]) == pytest.approx(1 / 4)
    assert repetition([]) == 0.0


@pytest.mark.parametrize(
    ("tags", "ended", "well_formed", "reached"),
    [(8, True, True, True), (3, True, True, False), (30, True, True, False),
     (8, False, False, True)],
)  # fmt: skip
def test_an_answer_is_measured_with_what_was_given(
    tags: int, ended: bool, well_formed: bool, reached: bool
) -> None:
    request = Request(Task.TAGS, Length.VERY_SHORT, {Field.TAG: "1girl, hat"})
    text = "".join(f", tag {n}" for n in range(tags - 2))
    measured = measure_answer(request, read_answer(request, text), ended)
    assert (measured.well_formed, measured.length_reached) == (well_formed, reached)


def test_a_caption_that_repeats_itself_is_seen() -> None:
    request = Request(Task.TAG_TO_LONG, Length.SHORT, {Field.TAG: "1girl"})
    answer = read_answer(request, " She sits. She sits. She smiles.")
    assert measure_answer(request, answer, True).sentence_repetition == pytest.approx(1 / 3)
