"""Files of requests, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tipo_core.evaluate.text.text_requests import TextRequest, read_requests


def written(folder: Path, value: Any) -> Path:
    path = folder / "requests.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return path


def test_kind_and_persons_are_optional(tmp_path: Path) -> None:
    entries = [
        {"text": "a cat", "kind": "animal", "persons": []},
        {"text": "a man", "persons": ["1boy"], "source": "ignored"},
        {"text": "fog"},
    ]
    assert read_requests(written(tmp_path, entries)) == [
        TextRequest("a cat", "animal", ()),
        TextRequest("a man", "request 2", ("1boy",)),
        TextRequest("fog", "request 3", None),
    ]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("{", "is no JSON file"),
        ({"text": "a cat"}, "holds no list"),
        ([], "holds no list"),
        ([{"text": "fog"}, {"kind": "x"}], "entry 2 has no text"),
        ([{"text": "fog", "kind": 3}], "kind is 3"),
        ([{"text": "fog", "persons": "1boy"}], "persons is '1boy'"),
        ([{"text": "fog", "persons": ["a man's hat"]}], r"persons is \["),
    ],
)
def test_bad_files_are_named(tmp_path: Path, value: Any, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        read_requests(written(tmp_path, value))
