"""A value of another type than text: one TypeError that names the argument, at every entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tipo_core
from tipo_core import Bans, ExpansionRequest, TaskRequest, Template, prompt

ENTRIES: dict[str, tuple[str, Callable[[Any], object]]] = {
    "parse": ("text", tipo_core.parse),
    "split_prompt": ("text", tipo_core.split_prompt),
    "split_sentences": ("text", tipo_core.split_sentences),
    "count_sentences": ("text", prompt.count_sentences),
    "parse_meta": ("metadata", tipo_core.parse_meta),
    "Bans.parse": ("bans", Bans.parse),
    "Bans.reason": ("tag", lambda value: Bans.parse("hat").reason(value, [])),
    "Bans.sentence_reason": ("sentence", lambda v: Bans.parse("hat").sentence_reason(v, [])),
    "present": ("present", lambda value: Bans.parse("if a: b").reason("b", value)),
    "Template.parse": ("template", Template.parse),
    "Template.render": ("field 'user'", lambda v: Template.parse("<|user|>").render({"user": v})),
    "fields": ("fields", lambda value: Template.parse("<|user|>").render(value)),
    "ExpansionRequest": ("tags", lambda value: ExpansionRequest(tags=value)),
    "template": ("template", lambda value: ExpansionRequest(template=value)),
    "TaskRequest": ("short", lambda value: TaskRequest(short=value)),
    "task": ("task", lambda value: TaskRequest(task=value)),
    "length": ("length", lambda value: TaskRequest(length=value)),
    "run_task": ("task", lambda value: tipo_core.run_task(None, value)),  # type: ignore[arg-type]
    "load_model": ("name", tipo_core.load_model),
    "canonical": ("tag", prompt.canonical),
    "category": ("tag", prompt.category),
    "contradicts": ("tag", lambda value: prompt.contradicts("a", value)),
    "ends_in_comment": ("text", prompt.ends_in_comment),
    "escape_tag": ("tag", prompt.escape_tag),
    "is_known_name": ("tag", prompt.is_known_name),
    "person_count": ("tag", prompt.person_count),
    "person_range": ("name", prompt.person_range),
    "plain_text": ("text", prompt.plain_text),
}


@pytest.mark.parametrize("value", [None, 5, b"hat"])
@pytest.mark.parametrize("entry", ENTRIES)
def test_a_value_of_another_type_is_one_error_that_names_the_argument(
    entry: str, value: object
) -> None:
    name, call = ENTRIES[entry]
    with pytest.raises(TypeError) as caught:
        call(value)
    assert str(caught.value).startswith(f"{name} is {value!r}: give a")


def test_a_list_is_no_text() -> None:
    with pytest.raises(TypeError, match=r"^text is \['a', 'b'\]: give a str$"):
        tipo_core.split_prompt(["a", "b"])  # type: ignore[arg-type]
