"""Requests in other languages: what the model reads, and what the user gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipo_core.expansion.expand import expand
from tipo_core.expansion.json_form import expansion_json, read_request
from tipo_core.expansion.request import Expansion, ExpansionRequest
from tipo_core.expansion.task import TaskRequest, run_task
from tipo_core.expansion.tasks import Length, Task, TranslationMode

from .scripted import Scripted

OFF, MODEL_ONLY = TranslationMode.OFF, TranslationMode.MODEL_ONLY
ADD_TAGS, REPLACE = TranslationMode.ADD_TAGS, TranslationMode.REPLACE
TYPED = "一个女孩在雨中打着红伞"
TAGS = "1girl, rain, red umbrella, holding umbrella"


def run(script: list[str], **request: object) -> tuple[Expansion, Scripted]:
    model = Scripted(script, flows=True)
    values = {"tag_length": Length.VERY_SHORT, "caption_length": None, **request}
    return expand(model, ExpansionRequest(**values))[0], model  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", [MODEL_ONLY, ADD_TAGS, REPLACE])
def test_the_model_reads_the_tags_of_the_words(mode: TranslationMode) -> None:
    _, model = run([" grass, window"], tags=TYPED, translation=mode)
    assert model.prompts[0] == f"target: <|very_short|>\ntag: {TAGS},"
    _, model = run([" grass, window"], caption=TYPED, translation=mode)
    assert model.prompts[0] == f"target: <|very_short|>\ntag: {TAGS},"


@pytest.mark.parametrize(
    ("mode", "tags"),
    [
        (OFF, f"{TYPED}, grass, window"),
        (MODEL_ONLY, f"{TYPED}, grass, window"),
        (ADD_TAGS, f"{TYPED}, {TAGS}, grass, window"),
        (REPLACE, f"{TAGS}, grass, window"),
    ],
)
def test_the_tags_stay_or_are_added_or_replaced(mode: TranslationMode, tags: str) -> None:
    expansion, _ = run([" grass, window"], tags=TYPED, translation=mode)
    assert expansion.tags == expansion.prompt == tags
    assert expansion.added_tags == ("grass", "window")


@pytest.mark.parametrize(
    ("mode", "caption"),
    [
        (MODEL_ONLY, f"{TYPED}。 A girl walks."),
        (ADD_TAGS, f"{TYPED}。 {TAGS}. A girl walks."),
        (REPLACE, f"{TAGS}. A girl walks."),
    ],
)
def test_the_tags_of_a_caption_follow_it(mode: TranslationMode, caption: str) -> None:
    expansion, model = run(
        [" A girl walks."],
        caption=TYPED,
        tag_length=None,
        caption_length=Length.VERY_SHORT,
        translation=mode,
    )
    assert model.prompts[0].endswith(f"tag: {TAGS}\nlong:")
    assert expansion.caption == expansion.prompt == caption


def test_a_mixed_caption_is_read_as_a_caption() -> None:
    _, model = run(
        [" She smiles."],
        caption="A girl 在雨中",
        tag_length=None,
        caption_length=Length.VERY_SHORT,
    )
    assert model.prompts[0].endswith("long: A girl rain.")


def test_the_model_repeats_no_tag_of_the_words() -> None:
    expansion, _ = run([" rain, 1girl, 2girls, red umbrella, grass"], tags=TYPED)
    assert expansion.added_tags == ("grass",)


def test_known_tags_are_not_added_twice() -> None:
    expansion, _ = run([" grass"], tags="cat, 猫, 狗")
    assert expansion.tags == "cat, 猫, 狗, dog, grass"


def test_names_weights_and_networks_survive() -> None:
    typed = "(猫:1.2), <lora:国风:0.8>, artist:某人, 鼞"
    expansion, model = run([" grass"], tags=typed, translation=REPLACE)
    assert expansion.tags == "(cat:1.2), <lora:国风:0.8>, artist:某人, 鼞, grass"
    assert model.prompts[0].endswith("tag: no humans, cat,")
    expansion, _ = run([" grass"], tags=typed)
    assert expansion.tags.startswith(typed)


@given(st.text(alphabet="猫红伞的一个女の子が고양이 дом，。、, .(:1.2)<>#a\n", max_size=30))
@pytest.mark.parametrize("mode", [OFF, MODEL_ONLY, ADD_TAGS])
def test_the_text_of_the_user_is_verbatim(mode: TranslationMode, typed: str) -> None:
    expansion, _ = run(
        [" grass, window", " A girl."],
        tags=typed,
        caption=typed,
        translation=mode,
        caption_length=Length.VERY_SHORT,
        escape_names=False,
    )
    if typed.strip():
        assert expansion.tags.startswith(typed) and expansion.caption.startswith(typed)
        assert expansion.prompt.startswith(typed)


def test_each_template_has_the_tags_with_the_users_own() -> None:
    expansion, _ = run([" grass"], tags="masterpiece, 红伞", template="<|general|>, <|quality|>")
    assert expansion.prompt == "红伞, red umbrella, grass, masterpiece"
    assert expansion.fields["typed_general"] == "红伞"
    assert expansion.fields["added_general"] == "red umbrella, grass"


def test_the_words_and_the_unknown_ones_are_reported() -> None:
    expansion, _ = run([" grass"], tags="红伞, 鼞鼞", caption="猫")
    shown = expansion_json(expansion)
    assert shown["translated"] == [
        {"text": "红伞", "tags": ["red umbrella"]},
        {"text": "猫", "tags": ["cat"]},
    ]
    assert shown["unknown_words"] == ["鼞鼞"]
    off, _ = run([" grass"], tags="红伞", translation=OFF)
    assert not off.translation.words


def test_requests_name_their_mode() -> None:
    assert read_request(ExpansionRequest, {"translation": "replace"}).translation is REPLACE
    assert ExpansionRequest().translation is TaskRequest().translation is ADD_TAGS
    with pytest.raises(ValueError, match=r"translation 'on' is unknown: choose off, model_only"):
        read_request(TaskRequest, {"translation": "on"})
    with pytest.raises(TypeError, match="give a TranslationMode"):
        ExpansionRequest(translation="on")  # type: ignore[arg-type]


def test_a_task_reads_and_returns_its_fields_in_the_same_way() -> None:
    model = Scripted([" grass, window"])
    result = run_task(
        model,
        TaskRequest(Task.SHORT_TO_TAG, Length.VERY_SHORT, tags="猫", short="赤い傘"),
    )
    assert result.prompt == (
        "target: <|very_short|> <|short_to_tag|>\nshort: red umbrella\ntag: cat, red umbrella"
    )
    assert result.tags == "猫, cat, grass, window"
    assert result.short == "赤い傘。 red umbrella."
    assert [word.text for word in result.translation.words] == ["猫", "赤い傘"]
