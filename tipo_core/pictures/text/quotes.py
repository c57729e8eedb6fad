"""Quotes of a prompt in reports: in one line and cut."""

from __future__ import annotations

from collections.abc import Iterable

_MOST = 3  # quotes in one list


def shortened(text: str, longest: int) -> str:
    """Return a text in one line of at most `longest` characters."""
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 4]} ..."


def quoted(text: str, longest: int = 40) -> str:
    """Return a shortened text in quotation marks."""
    return f'"{shortened(text, longest)}"'


def quote_list(texts: Iterable[str], longest: int = 40) -> str:
    """Return the first of the texts, each once and quoted, and the number of the others."""
    unlike = list(dict.fromkeys(" ".join(text.split()) for text in texts))
    shown = ", ".join(quoted(text, longest) for text in unlike[:_MOST])
    return f"{shown} and {len(unlike) - _MOST} more" if len(unlike) > _MOST else shown
