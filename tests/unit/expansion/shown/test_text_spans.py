"""The spans of a prompt: joined they are the prompt, and the user's hold the user's words."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.expansion.scripted import Scripted
from tipo_core.expansion.expand import expand
from tipo_core.expansion.request import Expansion, ExpansionRequest
from tipo_core.expansion.tasks import Length, TranslationMode
from tipo_core.prompt import Template
from tipo_core.prompt.origins import Origin
from tipo_core.prompt.presets import DEFAULT_TEMPLATE, PRESETS

TAGS = " long hair, miku (append), masterpiece, k-on!"
SENTENCES = " She smiles. It rains."
SIGNS = "ab, .(:1.2)[]{|}<>#/*\\\n\u732b!"
TYPED = st.lists(st.text(SIGNS, max_size=12), max_size=3).map(" BREAK ".join)


def expanded(tags: str, caption: str = "", **changes: object) -> Expansion:
    lengths = {"tag_length": Length.VERY_SHORT, "caption_length": Length.VERY_SHORT}
    values: dict[str, object] = {"tags": tags, "caption": caption, **lengths, **changes}
    request = ExpansionRequest(**values)  # type: ignore[arg-type]
    (expansion,) = expand(Scripted([TAGS, SENTENCES], flows=True), request)
    return expansion


def texts(expansion: Expansion, origin: Origin) -> list[str]:
    return [span.text for span in expansion.spans if span.origin is origin]


def added(expansion: Expansion) -> list[str]:
    return [span.tag for span in expansion.spans if span.origin is Origin.TAG]


@settings(max_examples=150, deadline=None)
@given(
    TYPED,
    TYPED,
    st.sampled_from(
        [
            DEFAULT_TEMPLATE,
            *PRESETS.values(),
            "a <|user|>. b <|added|>, c",
            "<|general|> | <|head|>",
        ]
    ),
    st.sampled_from(TranslationMode),
    st.booleans(),
)
def test_the_spans_are_the_prompt(
    tags: str, caption: str, template: str, mode: TranslationMode, escape: bool
) -> None:
    changes = {"template": template, "translation": mode, "escape_names": escape}
    one = expanded(tags, caption, **changes)
    assert "".join(span.text for span in one.spans) == Template.parse(template).render(one.fields)
    assert one.prompt == Template.parse(template).render(one.fields)
    assert all(span.text for span in one.spans)
    assert all((span.origin is Origin.TAG) == bool(span.tag) for span in one.spans)


@settings(max_examples=150, deadline=None)
@given(TYPED, TYPED)
def test_the_users_spans_are_the_users_words(tags: str, caption: str) -> None:
    one = expanded(tags, caption, translation=TranslationMode.OFF, escape_names=False)
    typed = [text for text in (tags, caption) if text.strip()]
    assert "".join(texts(one, Origin.USER)) == "".join(typed)
    assert added(one) == list(one.added_tags)
    assert " ".join(texts(one, Origin.SENTENCE)).split() == one.added_caption.split()


@pytest.mark.parametrize("template", PRESETS.values())
def test_each_added_tag_is_a_span_in_every_preset(template: str) -> None:
    """The user typed one of the words too: the later one is the model's."""
    one = expanded("1girl, (long hair:1.2), hat", "A girl", template=template)
    shown = set(added(one))
    if "<|added" in template:
        assert {"long hair", "k-on!"} & shown == {"k-on!"}
    assert "long hair" not in shown
    words = ", ".join(texts(one, Origin.USER))
    if "<|typed_general|>" in template or "<|user|>" in template:
        assert "(long hair:1.2)" in words and "hat" in words
    for text in texts(one, Origin.TAG):
        assert text in (r"miku \(append\)", "masterpiece", "k-on!")


def test_tags_of_other_languages_are_no_words_of_the_user() -> None:
    one = expanded("\u732b BREAK \u72ac, miku (x)", "\u732b BREAK A dog.", caption_length=None)
    assert added(one)[:2] == ["cat", "dog"]
    user = "".join(texts(one, Origin.USER))
    assert not re.search("cat|dog(?!\\.)", user)
    assert "\u732b" in user and "\u72ac" in user


def test_the_time_for_the_spans_grows_with_the_text() -> None:
    def seconds(count: int) -> float:
        started = time.perf_counter()
        expanded("\u732b, a (b:1.2) BREAK " * count, caption_length=None)
        return time.perf_counter() - started

    seconds(10)
    assert seconds(1600) < 5 * seconds(800) + 0.5
