"""The passes of a request; the result of a task as an expansion; the user's part of one."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.unit.expansion.scripted import Scripted
from tipo_core.expansion.expand import expand
from tipo_core.expansion.request import ExpansionRequest
from tipo_core.expansion.task import TaskRequest, run_task, task_expansion
from tipo_core.expansion.tasks import Field, Length, Pass, Task, TranslationMode, plan_passes
from tipo_core.expansion.user_text import typed_fields
from tipo_core.prompt import FIELDS, Template

L, S = Length.LONG, Length.SHORT
BY_CATEGORY = "<|special|>, <|characters|>, <|general|>, <|quality|>\n<|extended|>"


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


def rendered(request: TaskRequest, script: list[str], template: str) -> str:
    result = run_task(Scripted(script), request)
    expansion = task_expansion(request, result)
    assert set(expansion.fields) == set(FIELDS)
    return Template.parse(template).render(expansion.fields)


def test_the_tags_of_a_task_are_placed_by_category() -> None:
    request = TaskRequest(tags="1girl, masterpiece, (smile:1.2)", length=Length.VERY_SHORT)
    text = rendered(request, [" blue sky, tree\n"], BY_CATEGORY)
    assert text == "1girl, (smile:1.2), blue sky, tree, masterpiece"


@pytest.mark.parametrize(
    ("task", "given", "extended", "generated"),
    [
        (Task.TAG_TO_LONG, {}, "", "A tree."),
        (Task.TAG_TO_LONG, {"long": "A girl."}, "A girl. A tree.", ""),
        (Task.SHORT_TO_TAG_TO_LONG, {"short": "A girl."}, "A girl.", "A tree."),
    ],
)
def test_a_caption_is_extended_where_it_was_typed_and_else_generated(
    task: Task, given: dict[str, Any], extended: str, generated: str
) -> None:
    request = TaskRequest(task=task, tags="1girl", length=Length.VERY_SHORT, **given)
    result = run_task(Scripted([" A tree.\n", "\n"]), request)
    assert result.fields["extended"] == extended
    assert result.fields["generated"] == generated


def test_the_users_part_is_that_of_an_expansion_without_additions() -> None:
    texts: dict[str, Any] = {
        "tags": "1girl, hatsune miku (append), [smile] BREAK k-on!, tree",
        "caption": "A sea.",
    }
    plain = expand(Scripted([]), ExpansionRequest(**texts, tag_length=None, caption_length=None))
    grown = expand(
        Scripted([" cloud, rain\n", " It rains.\n"]),
        ExpansionRequest(**texts, translation=TranslationMode.OFF),
    )
    assert "cloud" in grown[0].prompt
    assert typed_fields(grown[0].fields) == dict(plain[0].fields)
