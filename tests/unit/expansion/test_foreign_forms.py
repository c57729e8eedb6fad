"""Comments, weights, parameters, artists and choices of other programs in an expansion."""

from __future__ import annotations

from typing import Any

import pytest

import tipo_core
from tipo_core.expansion.expand import expand
from tipo_core.expansion.json_form import read_request
from tipo_core.expansion.request import Expansion, ExpansionRequest
from tipo_core.expansion.task import TaskRequest, run_task
from tipo_core.expansion.tasks import Length, Task
from tipo_core.prompt import PRESETS, Template

from .scripted import Scripted

SHORT: dict[str, Any] = {"tag_length": Length.VERY_SHORT, "caption_length": None}
TYPED = (
    "1girl, 1.2::cat ears, hat::, @wlop, (@big_chungus:1.2), user@example // my note\n"
    "/* more */ -1::dog::, #1, smile --ar 16:9 --no cap, tie"
)


def expanded(tags: str, **values: Any) -> tuple[list[Expansion], Scripted]:
    model = Scripted([" coat, boots"] * 20)
    request = ExpansionRequest(tags=tags, **{**SHORT, **values})
    return expand(model, request), model


def test_the_forms_are_kept_and_the_model_sees_plain_words() -> None:
    (result, *_), model = expanded(TYPED)
    assert model.prompts[0] == (
        "artist: wlop, big chungus\n"
        "target: <|very_short|>\n"
        "tag: 1girl, cat ears, hat, user@example, #1, smile,"
    )
    # The line break ends --no, which would take in the added tags.
    assert result.tags.startswith(f"{TYPED}\ncoat, boots")
    assert result.prompt == result.tags


def test_an_artist_of_the_request_comes_first() -> None:
    _, model = expanded("@wlop, 1girl", meta={"artist": "someone"})
    assert model.prompts[0].startswith("artist: someone, wlop\n")


@pytest.mark.parametrize("preset", PRESETS)
def test_every_template_keeps_every_form(preset: str) -> None:
    (result, *_), _ = expanded(TYPED)
    text = Template.parse(PRESETS[preset]).render(result.fields)
    forms = ("1.2::cat ears, hat::", "-1::dog::", "--ar 16:9", "--no cap, tie", "// my note\n")
    if preset != "NL only (Tag to NL)":
        assert all(form in f"{text}\n" for form in (*forms, "@wlop", "(@big_chungus:1.2)"))
        words = [w for segment in tipo_core.parse(text).segments() for w in segment.words]
        assert {"coat", "boots", "smile", "hat"} <= set(words)
        assert not {"cap", "tie", "dog"} & set(words)


CHOICES = "1girl, {red|blue|green} dress, {a {cat|dog}|nothing}, \\{x\\}"


def test_choices_stay_unless_they_are_to_be_resolved() -> None:
    (result, *_), model = expanded(CHOICES)
    assert result.tags.startswith(CHOICES)
    assert "red" not in model.prompts[0]


def test_each_variant_has_its_own_options() -> None:
    results, model = expanded(CHOICES, caption="A {big|small} house.", variants=8,
                              resolve_choices=True, seed=3)  # fmt: skip
    again, _ = expanded(CHOICES, caption="A {big|small} house.", variants=4, resolve_choices=True,
                        seed=3)  # fmt: skip
    assert [one.tags for one in again] == [one.tags for one in results[:4]]
    assert len({one.fields["user"] for one in results}) > 2
    for one in results:
        assert not set("{|") & set(one.fields["user"].replace("{x}", ""))
        assert one.tags.startswith(one.fields["user"])
        assert one.prompt.startswith(one.fields["user"])
        assert one.caption in ("A big house.", "A small house.")
    assert any("red dress" in prompt for prompt in model.prompts)


def test_a_task_resolves_the_choices_of_all_its_texts() -> None:
    values: dict[str, Any] = {
        "tags": "1girl, {red|blue} dress",
        "short": "A {red|blue} dress.",
        "long": "{x}",
    }
    request = TaskRequest(task=Task.TAGS, length=Length.VERY_SHORT, seed=1, **values)
    kept = run_task(Scripted([" coat"]), request)
    assert (kept.short, kept.long) == (values["short"], values["long"])
    request = TaskRequest(**{**vars(request), "resolve_choices": True})
    model = Scripted([" coat"])
    resolved = run_task(model, request)
    assert resolved.tags in ("1girl, red dress, coat", "1girl, blue dress, coat")
    assert resolved.short in ("A red dress.", "A blue dress.") and resolved.long == "x"
    assert resolved.tags.split(", ")[1] in model.prompts[0]
    assert run_task(Scripted([" coat"]), request).tags == resolved.tags


def test_a_request_in_json_may_resolve_choices() -> None:
    values = {"tags": "{a|b}", "resolve_choices": True}
    assert read_request(ExpansionRequest, values).with_choices(0).tags in ("a", "b")
    assert read_request(TaskRequest, values).resolve_choices
    with pytest.raises(ValueError, match="resolve_choices is 1 in the request: write a bool"):
        read_request(ExpansionRequest, {"resolve_choices": 1})
