"""One request to its end, with a scripted model."""

from __future__ import annotations

import pytest

from tipo_core.expansion.fields import MAX_BANNED_FIRST_IDS
from tipo_core.expansion.format import Request
from tipo_core.expansion.policy import TagPolicy
from tipo_core.expansion.stream_filter import StreamFilter
from tipo_core.expansion.tasks import Field, Length, Task
from tipo_core.lm.generate.completion import StopReason

from .scripted import Scripted, fill_request

MANY = ", ".join(f"tag {n}" for n in range(40))


def test_the_fields_of_a_composite_task_follow_each_other() -> None:
    model = Scripted([f" 1girl, {MANY}", " A girl. She sits."])
    request = Request(Task.SHORT_TO_TAG_TO_LONG, Length.VERY_SHORT, {Field.SHORT: "A girl."})
    filled = fill_request(model, request, 1)
    assert model.prompts[0].endswith("short: A girl.\ntag:")
    assert model.prompts[1].endswith("tag 15, tag 16\nlong:")
    assert filled.answer.fields[Field.LONG] == "A girl. She sits."
    assert filled.reached and filled.answer.well_formed


def test_a_field_of_a_composite_task_goes_on_in_its_own_line() -> None:
    model = Scripted([" 1girl, hat, hat, x", " coat", f" {MANY}", " A girl. She sits."])
    request = Request(Task.SHORT_TO_TAG_TO_LONG, Length.VERY_SHORT, {Field.SHORT: "A girl."})
    filled = fill_request(model, request, 1)
    assert [prompt.split("\n")[-1] for prompt in model.prompts[:3]] == [
        "tag:", "tag: 1girl, hat,", "tag: 1girl, hat, coat,",
    ]  # fmt: skip
    assert "long:" not in "".join(model.prompts[:3]) and model.prompts[3].endswith("\nlong:")
    assert filled.reached and filled.answer.fields[Field.TAG].startswith("1girl, hat, coat, tag 0")


@pytest.mark.parametrize("length", Length)
def test_an_endless_answer_is_stopped_at_its_class(length: Length) -> None:
    endless = ", ".join(f"tag {n}" for n in range(200))
    filled = fill_request(Scripted([" " + endless]), Request(Task.TAGS, length), 0)
    tags = filled.answer.fields[Field.TAG].split(", ")
    assert len(tags) == length.tags.most and filled.reached


def test_a_short_answer_goes_on_behind_what_was_given() -> None:
    model = Scripted([" hat", " coat", f" {MANY}"])
    request = Request(Task.TAGS, Length.SHORT, {Field.TAG: "1girl"})
    filled = fill_request(model, request, 0)
    assert [prompt.split("\n")[-1] for prompt in model.prompts] == [
        "tag: 1girl,", "tag: 1girl, hat,", "tag: 1girl, hat, coat,",
    ]  # fmt: skip
    assert filled.answer.fields[Field.TAG].startswith(", hat, coat, tag 0")
    assert model.min_new_tokens == [0, 4, 4]


def test_metadata_is_asked_for_behind_the_last_field() -> None:
    model = Scripted([f" {MANY}", "rating: safe\nquality: masterpiece"])
    request = Request(Task.TAGS, Length.VERY_SHORT, {Field.TAG: "1girl"}, gen_meta=True)
    filled = fill_request(model, request, 0)
    assert model.prompts[1].endswith("tag 16\n")
    assert filled.answer.meta == {"rating": "safe", "quality": "masterpiece"}


def test_a_silent_model_gives_an_answer_that_is_not_well_formed() -> None:
    filled = fill_request(Scripted([]), Request(Task.TAG_TO_LONG, Length.LONG), 0)
    assert not filled.answer.well_formed and not filled.reached


def test_repeated_tags_and_sentences_are_written_once() -> None:
    request = Request(Task.TAG_TO_LONG, Length.VERY_SHORT, {Field.TAG: "1girl"})
    filled = fill_request(Scripted([" She sits. She sits. She sits. It rains."]), request, 0)
    assert filled.answer.fields[Field.LONG] == "She sits."


def test_prose_among_the_tags_is_refused_and_not_shown_to_the_model_again() -> None:
    prose = " A girl sits. There is also a hat, "
    model = Scripted([*[prose] * 7, f" mr. x, {MANY}"])
    filled = fill_request(model, Request(Task.TAGS, Length.SHORT, {Field.TAG: "1girl"}), 0)
    tags = filled.answer.fields[Field.TAG]
    assert tags.startswith(", mr. x, tag 0") and "sits" not in tags
    assert filled.results[Field.TAG].rejected == {"prose": 7}
    assert {prompt.split("\n")[-1] for prompt in model.prompts} == {"tag: 1girl,"}


def test_what_was_refused_begins_no_answer_at_its_place_again() -> None:
    # A token of this model is a character.
    script = ["1girl,", "hat,", "1girl,", "coat, hat,", "coat,", "boots,", "coat,", "hat,", MANY]
    model = Scripted(script)
    request = Request(Task.TAGS, Length.SHORT, {Field.TAG: "1girl"})
    filled = fill_request(model, request, 0)
    banned = ["", "1", "", "1", "", "c", "", "c", "ch"]
    assert model.banned_first_ids == [set(letters) for letters in banned]
    assert filled.answer.fields[Field.TAG].startswith(", hat, coat, boots, tag 0")


def test_blanks_instead_of_an_end_begin_no_answer_again() -> None:
    model = Scripted(["A girl sits.\n", "  \n", "\u3000\n", "She smiles.\n"])
    request = Request(Task.TAG_TO_LONG, Length.SHORT, {Field.TAG: "1girl"})
    filled = fill_request(model, request, 0)
    assert model.banned_first_ids[:4] == [set(), set(), {" "}, {" ", "\u3000"}]
    assert filled.answer.fields[Field.LONG] == "A girl sits. She smiles."


def test_what_is_there_already_is_never_shown_to_the_model_twice() -> None:
    model = Scripted([*["hat,"] * 9, f"hat {MANY}"])
    filled = fill_request(model, Request(Task.TAGS, Length.SHORT, {Field.TAG: "hat"}), 0)
    assert {prompt.split("\n")[-1] for prompt in model.prompts[:10]} == {"tag: hat,"}
    assert filled.results[Field.TAG].rejected == {"repeated": 9}


def test_a_place_bars_fewer_tokens_than_a_model_has() -> None:
    model = Scripted([f"{chr(200 + n)}b. Cd," for n in range(200)])
    fill_request(model, Request(Task.TAGS, Length.VERY_LONG), 0)
    assert max(map(len, model.banned_first_ids)) == MAX_BANNED_FIRST_IDS


@pytest.mark.parametrize(
    "tag",
    ["dr. mario", "st. gloriana's military uniform", "mr. game & watch", "kimi no na wa.", "no. 9"],
)
def test_tags_with_a_full_stop_are_no_prose(tag: str) -> None:
    assert TagPolicy().refuse(Field.TAG, tag) is None


def test_a_long_list_may_refuse_more_than_a_short_one() -> None:
    repeats = [" hat, hat,"] * 400
    counts = {}
    for length in (Length.VERY_SHORT, Length.VERY_LONG):
        filled = fill_request(Scripted(repeats), Request(Task.TAGS, length), 0)
        counts[length] = filled.results[Field.TAG].rejected["repeated"]
        assert filled.results[Field.TAG].reason is StopReason.REDRAW_LIMIT
    assert counts == {Length.VERY_SHORT: 64, Length.VERY_LONG: 216}


def test_a_gate_takes_a_sentence_at_the_start_of_the_next_one() -> None:
    stream = StreamFilter(Field.LONG, 1, TagPolicy())
    assert not stream(" A girl sits.") and not stream(" A girl sits. ") and not stream.accepted
    assert stream(" A girl sits. S") and stream.accepted == ["A girl sits. "]
    assert StreamFilter(Field.LONG, 1, TagPolicy())(" A girl\n")
