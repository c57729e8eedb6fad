"""Persons of labelled requests: trades, names, counts inside a text, plurals, denials, things."""

from __future__ import annotations

from pathlib import Path

import pytest

from tipo_core import split_prompt
from tipo_core.expansion.policy import TagPolicy
from tipo_core.expansion.tasks import Field, TranslationMode
from tipo_core.expansion.user_text import UserTags
from tipo_core.prompt.persons.persons import Persons, Presence

_EXACT = {
    "g1": {"1girl"},
    "b1": {"1boy"},
    "g2": {"2girls"},
    "b2": {"2boys"},
    "g1b1": {"1girl", "1boy"},
}


def _rows() -> list[tuple[str, str]]:
    text = Path(__file__).with_name("labelled_requests.txt").read_text("utf-8")
    rows = [line.split(" | ", 1) for line in text.splitlines() if not line.startswith("#")]
    return [(label, request) for label, request in rows]


def _persons(request: str) -> Persons:
    split = split_prompt(request)
    user = UserTags(split.tags, True, TranslationMode.ADD_TAGS, [split.caption])
    caption = "" if user.is_tags[0] else user.plain_captions[0]
    return TagPolicy(user.plain, {Field.LONG: caption}).persons


@pytest.mark.parametrize(("label", "request_text"), _rows())
def test_the_persons_of_a_request(label: str, request_text: str) -> None:
    found = _persons(request_text)
    tags = set(found.tags) - {"solo"}
    if label == "N":
        assert found.presence is not Presence.SOME
        return
    assert found.presence is Presence.SOME
    if label in _EXACT:
        assert tags == _EXACT[label]
    elif label[0] in "pm":
        assert found.most == int(label[1:]) if label[1:] else found.most != 1
    else:
        assert len(tags) == 1 and next(iter(tags)).endswith("girls" if label == "gm" else "boys")
