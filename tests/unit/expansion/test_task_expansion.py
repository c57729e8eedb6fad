"""A task's result as an expansion, and the user's part of an expansion."""

from __future__ import annotations

import pytest

from tests.unit.expansion.scripted import Scripted
from tipo_core.expansion.expand import expand
from tipo_core.expansion.request import ExpansionRequest
from tipo_core.expansion.task import TaskRequest, run_task, task_expansion
from tipo_core.expansion.tasks import Length, Task, TranslationMode
from tipo_core.expansion.user_text import typed_fields
from tipo_core.prompt import FIELDS, Template

BY_CATEGORY = "<|special|>, <|characters|>, <|general|>, <|quality|>\n<|extended|>"


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
    task: Task, given: dict[str, str], extended: str, generated: str
) -> None:
    request = TaskRequest(task=task, tags="1girl", length=Length.VERY_SHORT, **given)
    result = run_task(Scripted([" A tree.\n", "\n"]), request)
    assert result.fields["extended"] == extended
    assert result.fields["generated"] == generated


def test_the_users_part_is_that_of_an_expansion_without_additions() -> None:
    texts = {"tags": "1girl, hatsune miku (append), [smile] BREAK k-on!, tree", "caption": "A sea."}
    plain = expand(Scripted([]), ExpansionRequest(**texts, tag_length=None, caption_length=None))
    grown = expand(
        Scripted([" cloud, rain\n", " It rains.\n"]),
        ExpansionRequest(**texts, translation=TranslationMode.OFF),
    )
    assert "cloud" in grown[0].prompt
    assert typed_fields(grown[0].fields) == dict(plain[0].fields)
