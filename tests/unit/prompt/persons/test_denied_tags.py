"""Denied things: which words a prompt denies, and which tags it excludes."""

from __future__ import annotations

import pytest

from tipo_core.expansion.policy import CONTRADICTS, TagPolicy
from tipo_core.expansion.tasks import Field
from tipo_core.prompt.persons.denied_tags import DeniedTags
from tipo_core.prompt.persons.denied_words import affirmed

# A prompt, tags that it excludes, and tags that it allows.
DENIED = [
    ("forest without trees", ("tree", "palm tree"), ("grass", "moss")),
    ("a beach, no water", ("water", "ocean", "waves"), ("sand", "sky")),
    ("cloudless sky", ("cloud", "cloudy sky"), ("sky", "sunlight")),
    ("moonless night", ("moon", "full moon", "moonlight"), ("night", "starry sky")),
    ("a kitchen with no food", ("food", "vegetable", "bread"), ("sink", "stove")),
    ("leafless tree", ("leaf", "autumn leaves"), ("tree", "snow")),
    ("1girl, not smiling", ("smile", "light smile", "grin", ":d"), ("closed mouth", "dress")),
    ("a room with no windows", ("window", "view through a window"), ("bed", "no windows")),
    ("sky free of clouds", ("cloud",), ("sky",)),
    ("cloud-free sky", ("cloud",), ("sky",)),
    ("no cars or trucks in the street", ("car", "truck"), ("street", "lamppost")),
]


@pytest.mark.parametrize(("prompt", "excluded", "allowed"), DENIED)
def test_a_denied_thing_excludes_the_tags_that_show_it(
    prompt: str, excluded: tuple[str, ...], allowed: tuple[str, ...]
) -> None:
    denied = DeniedTags()
    denied.add(prompt)
    assert [tag for tag in excluded if not denied.names(tag)] == []
    assert [tag for tag in allowed if denied.names(tag)] == []


@pytest.mark.parametrize(
    "prompt",
    [
        "sousou no frieren",
        "no longer young",
        "an endless road",
        "not only a man",
        "a wireless mouse",
        "seamless pattern",
    ],
)
def test_some_words_deny_nothing(prompt: str) -> None:
    denied = DeniedTags()
    denied.add(prompt)
    assert not denied
    assert affirmed(prompt) == prompt


def test_a_denial_ends_with_its_noun_phrase() -> None:
    denied = DeniedTags()
    denied.add("a house without windows and a garden with red flowers")
    assert denied.names("window") and not denied.names("garden") and not denied.names("flower")


def test_a_denied_thing_is_in_no_added_tag_or_sentence() -> None:
    policy = TagPolicy(["mountain without clouds"])
    assert policy.refuse(Field.TAG, "cloudy sky") == CONTRADICTS
    assert policy.refuse(Field.LONG, "White clouds hang over the mountain.") == CONTRADICTS
    assert policy.refuse(Field.LONG, "There are no clouds over the mountain.") is None
