"""Counts the work of the parser, which a test of linear time compares instead of seconds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tipo_core.prompt.syntax import parse as parse_module


def count_scanned(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return a function that gives the number of characters scanned from now on."""
    scan = parse_module.scan
    total = 0

    def counted(text: str, pos: int, end: int, mark: str = "") -> parse_module.Pieces:
        nonlocal total
        total += end - pos
        return scan(text, pos, end, mark)

    monkeypatch.setattr(parse_module, "scan", counted)
    return lambda: total
