"""Results that were stored: read from their JSON, the same again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.expansion.scripted import Scripted
from tipo_core.expansion.expand import expand
from tipo_core.expansion.json_form import VERSION, expansion_json
from tipo_core.expansion.request import Expansion, ExpansionRequest
from tipo_core.expansion.shown.pinned import pinned_expansions
from tipo_core.expansion.tasks import MAX_VARIANTS, Length
from tipo_core.prompt import FIELDS, Template
from tipo_core.prompt.origins import Origin


def results(variants: int = 2) -> list[Expansion]:
    script = [" hat, miku (append)", " coat", " A girl smiles.", " She sits."]
    request = ExpansionRequest(
        tags="1girl, \u732b \U0001f600",
        variants=variants,
        tag_length=Length.VERY_SHORT,
        caption_length=Length.VERY_SHORT,
        seed=7,
    )
    return expand(Scripted(script), request)


def test_a_result_comes_back_from_its_json() -> None:
    run = results()
    text = json.dumps([expansion_json(one) for one in run])
    expected = [
        replace(one, passes=(), attempts=1, seconds=0.0, translation=again.translation,
                repeats=None, was_pinned=True)
        for one, again in zip(run, pinned_expansions(text), strict=True)
    ]  # fmt: skip
    assert pinned_expansions(text) == expected
    again = [expansion_json(one) for one in pinned_expansions(text)]
    assert [one["pinned"] for one in again] == [True, True]
    assert pinned_expansions(json.dumps(again)) == expected


def test_one_result_needs_no_list_and_a_prompt_alone_is_enough() -> None:
    (one,) = pinned_expansions('{"prompt": "1girl, hat"}')
    assert (one.prompt, one.tags, one.caption, one.spans) == ("1girl, hat", "1girl, hat", "", ())
    assert set(one.fields) == set(FIELDS)
    assert Template.parse("<|user|> <|extended|>").render(one.fields) == "1girl, hat"
    (one,) = pinned_expansions('{"prompt": "x", "caption": "A girl.", "later": [1]}')
    assert (one.tags, one.caption) == ("", "A girl.")
    (one,) = pinned_expansions('{"prompt": "x", "seed": 1.8446744073709552e19}')
    assert one.seed == 2**64


def test_spans_of_another_prompt_are_left_out() -> None:
    spans = [{"text": "1girl", "origin": "user"}, {"text": ", hat", "origin": "not known"}]
    (one,) = pinned_expansions(json.dumps({"prompt": "1girl, hat", "spans": spans}))
    assert [span.origin for span in one.spans] == [Origin.USER, Origin.JOINT]
    for other in (spans[:1], "x", [1], None):
        (one,) = pinned_expansions(json.dumps({"prompt": "1girl, hat", "spans": other}))
        assert one.spans == ()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("1girl, hat", r"pinned is no JSON .*history.*clear"),
        ("[" * 100_000, r"pinned is no JSON"),
        ('{"prompt": NaN}', r"pinned is no JSON .*NaN"),
        ("[]", rf"pinned has 0 results: give 1 to {MAX_VARIANTS}"),
        (json.dumps([{"prompt": ""}] * (MAX_VARIANTS + 1)), rf"{MAX_VARIANTS + 1} results"),
        ("7", r"result 0 of pinned is 7"),
        ('[{"prompt": ""}, null]', r"result 1 of pinned is None"),
        ("{}", r"result 0 of pinned has no prompt"),
        ('{"prompt": 1}', r"prompt in result 0 of pinned is 1, not a text"),
        ('{"prompt": "\\ud83d"}', r"pinned has a lone surrogate"),
        ('{"prompt": "", "fields": {"user": 1}}', r"fields in result 0.*not an object"),
        ('{"prompt": "", "added_tags": "hat"}', r"added_tags.*not a list of texts"),
        ('{"prompt": "", "seed": "1"}', r"seed.*whole number"),
        ('{"prompt": "", "seed": 1e999}', r"seed.*whole number"),
        (f'{{"prompt": "", "version": {VERSION + 1}}}', rf"reads 1 to {VERSION}: update"),
        ('{"prompt": "", "version": "1"}', r"has the version '1'"),
        ('{"prompt": "", "version": 0}', r"has the version 0"),
        ('{"prompt": "", "version": true}', r"has the version True"),
    ],
)
def test_a_wrong_value_is_named_with_the_remedy(value: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"(?s){message}"):
        pinned_expansions(value)


def test_the_json_has_the_spans_and_the_wanted_lengths() -> None:
    (one, _) = [expansion_json(result) for result in results()]
    assert one["version"] == VERSION and one["pinned"] is False
    assert "".join(span["text"] for span in one["spans"]) == one["prompt"]
    tags = [span["tag"] for span in one["spans"] if span["origin"] == "tag"]
    assert tags == ["cat", *one["added_tags"]]
    report: dict[str, Any] = one["passes"][0]
    assert report["least"] <= report["count"] <= report["most"] == 18


def test_a_span_of_another_kind_is_a_joint() -> None:
    spans = [{"text": "a", "origin": []}, {"text": "b", "origin": "later"}]
    (read,) = pinned_expansions(json.dumps({"prompt": "ab", "spans": spans}))
    assert [span.origin for span in read.spans] == [Origin.JOINT, Origin.JOINT]
