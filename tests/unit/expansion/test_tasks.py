"""Which passes a request takes."""

from __future__ import annotations

import itertools

import pytest

from tipo_core.expansion.tasks import Field, Length, Pass, Task, plan_passes

L, S = Length.LONG, Length.SHORT


@pytest.mark.parametrize(
    ("has_tags", "has_caption", "tags", "caption", "wanted"),
    [
        (0, 0, L, S, [(Task.TAGS, L), (Task.TAG_TO_LONG, S)]),
        (1, 0, L, S, [(Task.TAGS, L), (Task.TAG_TO_LONG, S)]),
        (0, 1, L, S, [(Task.LONG_TO_TAG, L), (Task.TAG_TO_LONG, S)]),
        (1, 1, L, S, [(Task.SHORT_TO_TAG, L), (Task.TAG_TO_LONG, S)]),
        (1, 1, None, S, [(Task.TAG_TO_LONG, S)]),
        (0, 1, None, S, [(Task.SHORT_TO_LONG, S)]),
        (0, 0, None, S, [(Task.TAG_TO_LONG, S)]),
        (1, 1, L, None, [(Task.SHORT_TO_TAG, L)]),
        (1, 1, None, None, []),
    ],
)
def test_the_plan_of_passes(
    has_tags: int,
    has_caption: int,
    tags: Length | None,
    caption: Length | None,
    wanted: list[tuple[Task, Length]],
) -> None:
    plan = plan_passes(
        has_tags=bool(has_tags),
        has_caption=bool(has_caption),
        tag_length=tags,
        caption_length=caption,
    )
    assert [(step.task, step.length) for step in plan] == wanted


def test_every_combination_grows_what_was_wanted_and_nothing_else() -> None:
    lengths = (None, *Length)
    for has_tags, has_caption, tags, caption in itertools.product(
        (False, True), (False, True), lengths, lengths
    ):
        plan = plan_passes(
            has_tags=has_tags, has_caption=has_caption, tag_length=tags, caption_length=caption
        )
        grown = {step.grows: step.length for step in plan}
        assert grown.get(Field.TAG) == tags
        assert grown.get(Field.LONG) == caption
        assert all(isinstance(step, Pass) and step.grows in step.task.fields for step in plan)


def test_length_classes_join_without_a_gap() -> None:
    for counts in ([length.tags for length in Length], [length.sentences for length in Length]):
        for narrow, wide in itertools.pairwise(counts):
            assert narrow.most == wide.least
    assert 36 in L.tags and 49 not in L.tags


def test_fields_follow_from_the_name_of_a_task() -> None:
    assert Task.TAGS.fields == (Field.TAG,)
    assert Task.SHORT_TO_TAG_TO_LONG.fields == (Field.SHORT, Field.TAG, Field.LONG)
    assert Task.TAGS.token == "" and Task.TAG_TO_LONG.token == "<|tag_to_long|>"
