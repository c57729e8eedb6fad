"""Warnings in reports are marked at the beginning of their lines."""

from __future__ import annotations

from devkit.setup.layout import this_checkout
from tipo_core.report_lines import WARNING, warning, warnings_of


def test_each_line_is_marked_once() -> None:
    assert warning("a\nb") == "warning: a\nwarning: b"
    assert warning("") == ""
    assert warnings_of(["a", "b"]) == ["warning: a", "warning: b"]


def test_the_page_looks_for_the_same_mark() -> None:
    page = (this_checkout().root / "web" / "reports.js").read_text("utf-8")
    assert f'const WARNING = "{WARNING}";' in page
