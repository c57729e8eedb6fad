"""The seam between the user's text and the model's: whole sentences and whole words."""

from __future__ import annotations

import pytest

from tipo_core.expansion.expand import expand
from tipo_core.expansion.fields import grow_field
from tipo_core.expansion.format import Request
from tipo_core.expansion.policy import TagPolicy
from tipo_core.expansion.request import ExpansionRequest
from tipo_core.expansion.tasks import Field, Length, Span, Task
from tipo_core.prompt.joins import join_caption
from tipo_core.prompt.sentences import with_stop

from .scripted import Scripted


def continued(caption: str, script: str = " She smiles. It rains.") -> tuple[str, str]:
    """The end of the model's prompt and the caption in the result."""
    model = Scripted([script], flows=True)
    request = ExpansionRequest(
        tags="1girl", caption=caption, tag_length=None, caption_length=Length.VERY_SHORT
    )
    (expansion,) = expand(model, request)
    return model.prompts[0].rpartition("long:")[2], expansion.caption


@pytest.mark.parametrize(
    ("caption", "prompt", "result"),
    [
        ("a cat on a mat", " a cat on a mat.", "a cat on a mat. She smiles."),
        ("a cat on a mat.", " a cat on a mat.", "a cat on a mat. She smiles."),
        ("a cat, ", " a cat.", "a cat, She smiles."),
        ("a cat\n", " a cat.", "a cat\nShe smiles."),
        ("a (cat:1.2)", " a cat.", "a (cat:1.2). She smiles."),
        ("a cat <lora:x:1>", " a cat.", "a cat <lora:x:1> She smiles."),
        ("a cat embedding:soft", " a cat.", "a cat embedding:soft She smiles."),
        ("a cat # note", " a cat.", "a cat # note\nShe smiles."),
        ('he says "hi"', ' he says "hi".', 'he says "hi". She smiles.'),
        ('he says "hi!"', ' he says "hi!"', 'he says "hi!" She smiles.'),
    ],
)
def test_a_caption_without_a_stop_gets_one(caption: str, prompt: str, result: str) -> None:
    assert continued(caption) == (prompt, result)


def test_a_stop_alone_is_no_addition() -> None:
    assert continued("a cat", " .")[1] == "a cat"
    assert continued("a cat", ". . . She smiles.")[1] == "a cat. She smiles."
    model = Scripted([" ., hat, ;, coat"])
    (one,) = expand(
        model,
        ExpansionRequest(tags="1girl", tag_length=Length.VERY_SHORT, caption_length=None),
    )
    assert one.added_tags == ("hat", "coat")


def test_every_continuation_of_a_field_begins_a_word() -> None:
    request = Request(Task.TAGS, Length.VERY_SHORT, {Field.TAG: "candlelight"})
    generation = grow_field(request, Field.TAG, Span(1, 2), 0, TagPolicy())
    assert next(generation).begins_word


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("", ""),
        ("A cat", "A cat."),
        ("A cat, ", "A cat."),
        ("A cat \u2014", "A cat."),
        ("A cat!", "A cat!"),
        ("\u4e00\u53ea\u732b", "\u4e00\u53ea\u732b\u3002"),
        (", ", ", "),
    ],
)
def test_with_stop(text: str, closed: str) -> None:
    assert with_stop(text) == closed


def test_a_chinese_caption_gets_its_own_stop() -> None:
    assert join_caption("\u4e00\u53ea\u732b", " A cat.") == "\u4e00\u53ea\u732b\u3002 A cat."
