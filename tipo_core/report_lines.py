"""The mark of warnings in the reports of nodes; the page shows a marked line without a click."""

from __future__ import annotations

from collections.abc import Iterable

# web/reports.js looks for it at the beginning of a line.
WARNING = "warning: "


def warning(text: str) -> str:
    """Return a text with each of its lines marked as a warning; '' stays ''."""
    return "\n".join(f"{WARNING}{line}" if line else line for line in text.split("\n"))


def warnings_of(texts: Iterable[str]) -> list[str]:
    """Return the texts, each marked as a warning."""
    return [warning(text) for text in texts]
