"""Generated text is appended to the user's text."""

from __future__ import annotations

import pytest

from tipo_core.expansion.user_text import join_caption, join_tags


@pytest.mark.parametrize(
    ("user", "added", "wanted"),
    [
        ("1girl", "hat", "1girl, hat"),
        ("1girl,", "hat", "1girl, hat"),
        ("1girl, ", "hat", "1girl, hat"),
        ("1girl,\n", "hat", "1girl,\nhat"),
        ("", "hat", "hat"),
        ("1girl", "", "1girl"),
        ("  ", "hat", "hat"),
    ],
)
def test_join_tags(user: str, added: str, wanted: str) -> None:
    assert join_tags(user, added) == wanted


@pytest.mark.parametrize(
    ("user", "added", "wanted"),
    [
        ("A girl", " by the sea.", "A girl by the sea."),
        ("A girl", ", smiling.", "A girl, smiling."),
        ("A girl. ", " She sits.", "A girl. She sits."),
        ("", " A girl.", "A girl."),
        ("A girl.", "", "A girl."),
    ],
)
def test_join_caption(user: str, added: str, wanted: str) -> None:
    assert join_caption(user, added) == wanted
