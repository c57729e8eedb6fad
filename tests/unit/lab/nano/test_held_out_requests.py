"""The requests that measure a small model."""

from __future__ import annotations

import random

from lab.nano.data.toy_scenes import toy_vocabulary
from lab.nano.measures.held_out_requests import _typed_toy, request_of
from lab.toy_sd.drawings.styles import STYLES
from tipo_core.expansion.format import split_tags
from tipo_core.expansion.tasks import Field, Length, Task
from tipo_core.training.sample import Sample

SAMPLE = Sample(
    ("1girl", "solo", *(f"tag {n}" for n in range(20))),
    ("A girl.", "She sits.", "She smiles."),
    {"rating": "safe", "quality": "best quality"},
)


def test_requests_hold_the_first_field_of_their_task_alone() -> None:
    rng = random.Random(1)
    for task in Task:
        for length in Length:
            request = request_of(SAMPLE, task, length, rng)
            assert set(request.given) == {task.fields[0]}
            if task.fields[0] is Field.TAG:
                tags = split_tags(request.given[Field.TAG])
                assert tags[:2] == ["1girl", "solo"] and 3 <= len(tags) <= 8
            else:
                assert request.given[task.fields[0]].startswith("A girl.")
            assert set(request.meta) <= set(SAMPLE.meta)
            assert not request.gen_meta or len(request.meta) < 2


def test_toy_requests_are_a_style_some_of_its_parts_or_a_sentence() -> None:
    rng = random.Random(1)
    kinds, styles = set(), set()
    for number in range(60):
        asked = _typed_toy(number, rng)
        assert asked.tag_length is Length.VERY_SHORT
        if asked.caption:
            kinds.add("caption")
            assert asked.caption.startswith(("a ", "an "))
            continue
        style, *parts = asked.tags.split(", ")
        assert set(parts) <= toy_vocabulary(style)
        styles.add(style)
        kinds.add("parts" if parts else "style")
    assert kinds == {"caption", "parts", "style"}
    assert styles == set(STYLES)
