"""The user's words and the added words in an expanded prompt."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devkit.generate.prompt_diff import diff_prompt, words_of


def test_tags_and_sentences() -> None:
    parts = diff_prompt(
        "1girl, cat ears, indoors, (blue_eyes:1.3)\nA girl reads. She smiles.",
        "1girl, cat ears, (blue_eyes:1.3)",
        "A girl reads.",
    )
    assert words_of(parts, "yours") == "1girl, cat ears, (blue_eyes:1.3), A girl reads."
    assert words_of(parts, "added") == "indoors, She smiles."
    assert (
        words_of(diff_prompt("cat. A dog. A bird, tail", ""), "added") == "cat. A dog. A bird, tail"
    )


def test_a_tag_that_comes_again_was_added() -> None:
    parts = diff_prompt("cat, dog, cat", "cat")
    assert [part.owner for part in parts if part.owner != "between"] == ["yours", "added", "added"]


def test_a_longer_tag_is_not_the_users() -> None:
    assert words_of(diff_prompt("hat, hatsune miku", "hat"), "added") == "hatsune miku"


@given(st.text(), st.text())
def test_nothing_is_lost(prompt: str, typed: str) -> None:
    assert "".join(part.text for part in diff_prompt(prompt, typed)) == prompt
