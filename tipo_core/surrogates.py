"""Refuses lone surrogates: halves of a character that no UTF-8 text, file or tokenizer can hold.

Python reads them from JSON (`"\\ud83d"`) and from arguments that are not UTF-8.
"""

from __future__ import annotations


def refuse_surrogates(name: str, text: str) -> None:
    """Raise ValueError if `text`, the input called `name`, has a lone surrogate."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{name} has a lone surrogate, U+{ord(text[error.start]):04X}, at character "
            f"{error.start + 1}: it is half of a character; delete it or type the character again"
        ) from None
