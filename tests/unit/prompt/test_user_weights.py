"""The weight of a prompt after AND stays at the end of that prompt, where it is read."""

from __future__ import annotations

import re

import pytest

from tipo_core.expansion.user_text import UserTags
from tipo_core.prompt import PRESETS, Template
from tipo_core.prompt.joins import add_tags

# The A1111 web UI's form of a prompt with its weight, written from its behaviour.
WEIGHTED = re.compile(r"(.*?)(?:\s*:\s*([-+]?(?:\d+\.?|\d*\.\d+)))?\s*", re.DOTALL)
TYPED = [
    "a cat AND a dog :0.5",
    "a cat AND a dog:0.5",
    "a cat :1.2 AND a dog, long hair : -.5\n",
    "a cat AND hatsune miku :2.",
    "a cat AND a dog :0.5 AND masterpiece, a dog :0.5",
    "1girl BREAK a cat AND a dog :+1\n\n",
]
UNCHANGED = ["a cat :1.2 AND a dog", "a cat AND a dog :0.5,", "a cat :0.5", "a cat AND :0.5", "AND"]


def prompts(text: str) -> list[tuple[str, str | None]]:
    """The prompts that AND divides, each with its weight."""
    matches = (WEIGHTED.fullmatch(part) for part in re.split(r"\bAND\b", text))
    return [(match[1].strip(), match[2]) for match in matches if match]


def rendered(typed: str, template: str, caption: str, sentences: str, *tags: str) -> str:
    fields = UserTags(typed).template_fields(tags, caption, sentences)
    return Template.parse(template).render(fields)


@pytest.mark.parametrize("preset", [name for name in PRESETS if "NL only" not in name])
@pytest.mark.parametrize("typed", TYPED)
@pytest.mark.parametrize(("caption", "sentences"), [("", ""), ("", "It rains."), ("A girl", "So.")])
def test_all_prompts_keep_their_weights(
    preset: str, typed: str, caption: str, sentences: str
) -> None:
    prompt = rendered(typed, PRESETS[preset], caption, sentences, "rain", "wlop (artist)")
    whole, wanted = prompts(prompt), prompts(typed)
    if len(whole) > 1:  # else the preset has no tags
        assert [weight for _, weight in whole] == [weight for _, weight in wanted]
        assert whole[:-1] == wanted[:-1] and "rain" in whole[-1][0]
    # Without additions nothing moves.
    assert rendered(typed, "<|user|>, <|added|>", "", "") == typed


@pytest.mark.parametrize("typed", TYPED)
def test_added_tags_stand_before_the_weight(typed: str) -> None:
    text, wanted = add_tags(typed, "rain"), prompts(typed)
    assert prompts(text) == [*wanted[:-1], (f"{wanted[-1][0]}, rain", wanted[-1][1])]
    assert add_tags(typed, "", " ") == typed


@pytest.mark.parametrize("typed", UNCHANGED)
def test_other_texts_stay_in_front(typed: str) -> None:
    assert rendered(typed, "<|user|>, <|added|>", "", "", "rain").startswith(typed)
    assert add_tags(typed, "rain").startswith(typed)


def test_a_template_that_moves_the_head_back_has_no_last_place() -> None:
    assert rendered("a AND b :0.5", "<|general|> | <|head|>", "", "", "c") == "b :0.5, c | a AND"
