"""Checks of the texts that callers give: their type, and lone surrogates.

A lone surrogate is half of a character; no UTF-8 text, file or tokenizer can hold it. Python reads
them from JSON (`"\\ud83d"`) and from arguments that are not UTF-8.
"""

from __future__ import annotations

_MAX_SHOWN = 80  # characters of a value in an error


def require_text(name: str, value: object) -> None:
    """Raise TypeError if `value`, the argument called `name`, is not a str."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is {shortened(value)}: give a str")


def refuse_surrogates(name: str, text: str) -> None:
    """Raise ValueError if `text`, the argument called `name`, has a lone surrogate.

    Raises TypeError if it is not a str.
    """
    require_text(name, text)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{name} has a lone surrogate, U+{ord(text[error.start]):04X}, at character "
            f"{error.start + 1}: it is half of a character; delete it or type the character again"
        ) from None


def shortened(value: object) -> str:
    """Return a value for an error, cut if it is long."""
    shown = repr(value)
    return shown if len(shown) <= _MAX_SHOWN else f"{shown[: _MAX_SHOWN - 3]}..."
