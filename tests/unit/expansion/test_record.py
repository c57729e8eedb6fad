"""The TIPO text format."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipo_core.expansion.format import META_KEYS, Request, read_answer, render_request, split_tags
from tipo_core.expansion.tasks import Field, Length, Task

# A word of a caption or tag: no line breaks, no commas; colons and odd signs may be in it.
words = st.from_regex(r"[A-Za-z][A-Za-z0-9:;_' -]{0,20}[a-z]", fullmatch=True)
texts = st.lists(words, min_size=1, max_size=4).map(", ".join)


def test_a_request_for_tags_ends_inside_the_tag_line() -> None:
    request = Request(Task.TAGS, Length.LONG, {Field.TAG: "1girl, cat ears"})
    assert render_request(request) == "target: <|long|>\ntag: 1girl, cat ears"
    assert render_request(Request(Task.TAGS, Length.SHORT)) == "target: <|short|>\ntag:"


def test_metadata_comes_first_in_the_trained_spelling() -> None:
    meta = {"aspect ratio": "0.7", "quality": "masterpiece", "rating": "safe", "artist": ""}
    request = Request(Task.TAG_TO_LONG, Length.VERY_LONG, {Field.TAG: "1girl"}, meta, gen_meta=True)
    assert render_request(request) == (
        "rating: safe\nquality: masterpiece\naspect ratio: 0.7\n"
        "target: <|very_long|> <|tag_to_long|> <|gen_meta|>\ntag: 1girl\nlong:"
    )


def test_short_to_long_has_no_length_token() -> None:
    request = Request(Task.SHORT_TO_LONG, Length.LONG, {Field.SHORT: "A cat."})
    assert render_request(request) == "target: <|short_to_long|>\nshort: A cat.\nlong:"


def test_the_first_unknown_field_ends_a_request() -> None:
    given_fields = {Field.SHORT: "A cat.", Field.LONG: "A cat sits."}
    request = Request(Task.SHORT_TO_TAG_TO_LONG, Length.LONG, given_fields)
    assert render_request(request).endswith("\nshort: A cat.\ntag:")


def test_line_breaks_and_last_commas_do_not_reach_the_model() -> None:
    request = Request(Task.TAGS, Length.LONG, {Field.TAG: "1girl,\nsolo,\n"})
    assert render_request(request).endswith("\ntag: 1girl, solo")


def test_unknown_metadata_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(ValueError, match=r"\['mood'\].*aspect ratio"):
        render_request(Request(Task.TAGS, Length.LONG, meta={"mood": "blue"}))


def test_an_answer_holds_what_was_added_to_the_open_field() -> None:
    request = Request(Task.TAGS, Length.LONG, {Field.TAG: "1girl"})
    answer = read_answer(request, ", solo, hat")
    assert answer.fields == {Field.TAG: ", solo, hat"}
    assert answer.well_formed


def test_a_composite_answer_has_all_its_fields() -> None:
    request = Request(Task.SHORT_TO_TAG_TO_LONG, Length.LONG, {Field.SHORT: "A cat."})
    answer = read_answer(request, " cat, animal\nlong: A cat. It sits.")
    assert answer.fields == {Field.TAG: " cat, animal", Field.LONG: " A cat. It sits."}
    assert answer.well_formed


def test_a_caption_line_with_a_colon_is_no_field() -> None:
    request = Request(Task.TAG_TO_LONG, Length.LONG, {Field.TAG: "1girl"})
    answer = read_answer(request, " A girl.\nNote: she smiles.\ntag: no field either")
    assert answer.fields[Field.LONG] == " A girl. Note: she smiles. tag: no field either"
    assert not answer.well_formed


def test_metadata_is_read_where_it_was_asked_for_and_only_there() -> None:
    asked = Request(Task.TAGS, Length.LONG, {Field.TAG: "1girl"}, gen_meta=True)
    answer = read_answer(asked, ", hat\nrating: safe\naspect ratio: 0.7")
    assert answer.meta == {"rating": "safe", "aspect ratio": "0.7"}
    assert answer.well_formed
    unasked = Request(Task.TAGS, Length.LONG, {Field.TAG: "1girl"})
    assert read_answer(unasked, ", hat\nrating: safe").meta == {}
    assert not read_answer(unasked, ", hat\nrating: safe").well_formed


@pytest.mark.parametrize("completion", [" cat\nlong:", " cat", "", " <|empty|>\nlong: A cat."])
def test_an_incomplete_answer_is_not_well_formed(completion: str) -> None:
    request = Request(Task.SHORT_TO_TAG_TO_LONG, Length.LONG, {Field.SHORT: "A cat."})
    assert not read_answer(request, completion).well_formed


@given(
    task=st.sampled_from(Task),
    length=st.sampled_from(Length),
    tag=texts,
    short=texts,
    long=texts,
    meta=st.dictionaries(st.sampled_from(META_KEYS), texts),
)
def test_what_a_record_holds_is_read_back(
    task: Task, length: Length, tag: str, short: str, long: str, meta: dict[str, str]
) -> None:
    values = {Field.TAG: tag, Field.SHORT: short, Field.LONG: long}
    whole = {name: values[name] for name in task.fields}
    for known in range(len(task.fields)):
        given_fields = {name: whole[name] for name in task.fields[:known]}
        request = Request(task, length, given_fields, meta)
        first, *rest = task.fields[known:]
        completion = f" {whole[first]}" + "".join(f"\n{n.value}: {whole[n]}" for n in rest)
        answer = read_answer(request, completion)
        assert answer.well_formed
        assert {name: text.strip() for name, text in answer.fields.items()} == {
            name: whole[name].strip() for name in task.fields[known:]
        }


@given(st.text(), st.sampled_from(Task), st.booleans())
def test_any_answer_can_be_read(completion: str, task: Task, gen_meta: bool) -> None:
    answer = read_answer(Request(task, Length.LONG, gen_meta=gen_meta), completion)
    assert set(answer.fields) <= set(task.fields)


def test_tags_are_trimmed_and_empty_ones_dropped() -> None:
    assert split_tags(", a b ,, c,") == ["a b", "c"]
