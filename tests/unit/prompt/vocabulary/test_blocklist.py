"""The block list."""

from __future__ import annotations

import pytest

from tipo_core.prompt.vocabulary.blocklist import blocklist_matches


@pytest.mark.parametrize(
    "text", ["1girl, Nude, hat", "skirt_lift", "a see-through shirt", "a woman in her underwear."]
)
def test_unsafe_text_is_found(text: str) -> None:
    assert blocklist_matches(text)


@pytest.mark.parametrize(
    "text",
    ["grass and glass", "a cockatoo on a branch", "peacock", "button", "assassin's cloak",
     "strawberry", "therapist", "a deadline", "scunthorpe", "skilled"],
)  # fmt: skip
def test_innocent_words_are_not(text: str) -> None:
    assert blocklist_matches(text) == ()
