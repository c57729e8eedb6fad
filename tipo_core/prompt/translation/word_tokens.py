"""The pieces of a cut text: words of the dictionary, unknown words, and text between them."""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

from ..vocabulary.translations import Entry, WordKind

_NARROW = MappingProxyType({code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)})
GRAMMAR = frozenset(
    (
        *(WordKind.SKIP, WordKind.OF, WordKind.COPULA, WordKind.NUMBER, WordKind.MEASURE),
        *(WordKind.PLURAL, WordKind.AND, WordKind.NOT),
    )
)
# What a number may stand before.
COUNTED = frozenset(
    (
        *(WordKind.MEASURE, WordKind.THING, WordKind.GIRL, WordKind.BOY, WordKind.PERSON),
        *(WordKind.COLOUR, WordKind.ADJECTIVE),
    )
)


class Token(NamedTuple):
    """A word of the dictionary in a text, or text between two of them (`entry` None).

    `start` and `end` are offsets. `is_unknown` says that the text is a word that the dictionary
    lacks; other texts without an entry are blanks, Latin letters and endings.
    """

    text: str
    start: int
    entry: Entry | None = None
    is_unknown: bool = False

    @property
    def end(self) -> int:
        """Offset after the last character."""
        return self.start + len(self.text)

    @property
    def kind(self) -> WordKind | None:
        """The kind of the word, None for text between words."""
        return self.entry.kind if self.entry else None


def narrowed(text: str) -> str:
    """Return `text` with Latin letters and digits of normal width."""
    return text.translate(_NARROW)


def is_latin(token: Token) -> bool:
    """Whether the token is Latin letters or digits, of any width."""
    if token.entry is not None:
        return False
    text = token.text if token.text.isascii() else narrowed(token.text)
    return text.isascii() and not text.isspace()


def is_hiragana(text: str) -> bool:
    """Whether the text begins with hiragana."""
    return "\u3041" <= text[0] <= "\u309f"
