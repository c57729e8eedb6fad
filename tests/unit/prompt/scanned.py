"""Counts the work of the parser, which a test of linear time compares instead of seconds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tipo_core.prompt.syntax.scanner import Pieces, scan


def count_scanned(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return a function that gives the number of characters scanned from now on."""
    total = 0

    def counted(text: str, pos: int, end: int, mark: str = "") -> Pieces:
        nonlocal total
        total += end - pos
        return scan(text, pos, end, mark)

    monkeypatch.setattr("tipo_core.prompt.syntax.parse.scan", counted)
    return lambda: total
