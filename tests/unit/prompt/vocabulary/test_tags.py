"""Categories, canonical spellings and person counts."""

from __future__ import annotations

import pytest

from tipo_core.prompt import (
    Category,
    canonical,
    category,
    contradicts,
    is_known_name,
    person_count,
)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("1girls", "1girl"),
        ("one girl", "1girl"),
        ("One_Girl", "1girl"),
        ("1 girl", "1girl"),
        ("1woman", "1girl"),
        ("two girls", "2girls"),
        ("2 Boys", "2boys"),
        ("3 men", "3boys"),
        ("7girls", "6+girls"),
        ("6+girls", "6+girls"),
        ("many girls", "multiple girls"),
        ("Long_Hair", "long hair"),
        ("  long   hair ", "long hair"),
        ("hatsune_miku_\\(append\\)", "hatsune miku (append)"),
        ("^_^", "^_^"),
        (">_<", ">_<"),
        ("score_9", "score 9"),
        ("girl", "girl"),
        ("0girls", "0girls"),
        ("", ""),
    ],
)
def test_canonical(tag: str, expected: str) -> None:
    assert canonical(tag) == expected
    assert canonical(expected) == expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("1girl", Category.SPECIAL),
        ("two boys", Category.SPECIAL),
        ("solo", Category.SPECIAL),
        ("no_humans", Category.SPECIAL),
        ("male focus", Category.SPECIAL),
        ("masterpiece", Category.QUALITY),
        ("Best_Quality", Category.QUALITY),
        ("score_7_up", Category.QUALITY),
        ("sensitive", Category.RATING),
        ("rating:safe", Category.RATING),
        ("absurdres", Category.META),
        ("year 2023", Category.META),
        ("artist:wlop", Category.ARTIST),
        ("wlop", Category.ARTIST),
        ("art by wlop", Category.ARTIST),
        ("Hatsune_Miku", Category.CHARACTERS),
        ("touhou", Category.COPYRIGHTS),
        ("concept art", Category.META),
        ("cat ears", Category.GENERAL),
        ("quality time", Category.GENERAL),
        ("", Category.GENERAL),
    ],
)
def test_category(tag: str, expected: Category) -> None:
    assert category(tag) is expected


@pytest.mark.parametrize(
    "tag",
    [
        "hatsune miku (append)",
        "Hatsune_Miku_(Append)",
        "hatsune miku \\(append\\)",
        "  hatsune   miku  (append) ",
        "HIGHRES",
    ],
)
def test_known_names(tag: str) -> None:
    assert is_known_name(tag)


@pytest.mark.parametrize("tag", ["", "1girl", "cat ears", "smile (hat)", "a" * 100_000, "\ud800"])
def test_unknown_names(tag: str) -> None:
    assert not is_known_name(tag)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("1girl", ("girl", 1)),
        ("2boys", ("boy", 2)),
        ("1other", ("other", 1)),
        ("6+girls", ("girl", None)),
        ("multiple boys", ("boy", None)),
        ("solo", ("person", 1)),
        ("no humans", ("person", 0)),
        ("girl", None),
        ("cat ears", None),
        ("2cats", None),
    ],
)
def test_person_count(tag: str, expected: tuple[str, int | None] | None) -> None:
    assert person_count(tag) == expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("1girl", "2girls", True),
        ("1girl", "1boy", False),
        ("1girl", "one girl", False),
        ("1girl", "multiple girls", True),
        ("3girls", "multiple girls", False),
        ("6+girls", "multiple girls", False),
        ("6+girls", "2girls", True),
        ("solo", "2girls", True),
        ("solo", "multiple boys", True),
        ("solo", "1girl", False),
        ("no humans", "1girl", True),
        ("no humans", "6+boys", True),
        ("no humans", "solo", False),
        ("cat ears", "1girl", False),
        ("1girl", "1girl", False),
    ],
)
def test_contradictions(a: str, b: str, expected: bool) -> None:
    assert contradicts(a, b) is expected
    assert contradicts(b, a) is expected
