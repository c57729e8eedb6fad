"""The locales hold no sign that vue-i18n, which the page renders them with, takes for syntax."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devkit.setup.layout import this_checkout

LOCALES = this_checkout().root / "locales"
FILES = sorted(LOCALES.glob("*/*.json"))
# A linked message, a plural and a placeholder: the text comes out cut, or its node not at all.
SYNTAX = set("@|{}")


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each text of a locale with its key; keys of objects are part of the path."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from texts(one, f"{path}.{key}" if path else key)
    else:
        yield path, value


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_no_text_is_vue_syntax(file: Path) -> None:
    found = dict(texts(json.loads(file.read_text("utf-8"))))
    assert found
    assert not {key: text for key, text in found.items() if SYNTAX & set(text)}


def test_english_has_no_texts_of_nodes() -> None:
    """The page takes the schemas' own, which it shows as they are, `@` and `<|user|>` included."""
    assert not (LOCALES / "en" / "nodeDefs.json").exists()
    assert (LOCALES / "zh" / "nodeDefs.json").is_file()
