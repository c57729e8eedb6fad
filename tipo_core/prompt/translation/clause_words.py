"""Words of a clause: their kinds, the words with their tags, nouns with what belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..vocabulary.translations import WordKind
from .word_tokens import Token

NOUNS = frozenset((WordKind.GIRL, WordKind.BOY, WordKind.PERSON, WordKind.THING))
PERSONS = frozenset((WordKind.GIRL, WordKind.BOY, WordKind.PERSON))
SEXES = frozenset((WordKind.GIRL, WordKind.BOY))
MODIFIERS = frozenset((WordKind.COLOUR, WordKind.ADJECTIVE))
HUMAN_MEASURES = frozenset(("\u4eba", "\uba85"))


@dataclass(frozen=True)
class TranslatedWord:
    """A word of the user, or several that belong together, and its tags.

    A negated word may have no tag. `is_person` and `is_pronoun` say that the word names a person.
    """

    text: str
    start: int
    tags: tuple[str, ...]
    is_person: bool = False
    is_pronoun: bool = False

    @property
    def end(self) -> int:
        """Offset after the last character."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class Noun:
    """A noun that was read: its place among the words, and what belongs to it."""

    index: int
    token: Token
    modifiers: tuple[Token, ...]
    count: int | None


def is_human_measure(tokens: Sequence[Token], place: int) -> bool:
    """Whether the word for a person is a measure word: two *persons* of girls."""
    after_number = place > 0 and tokens[place - 1].kind is WordKind.NUMBER
    return after_number and tokens[place].text in HUMAN_MEASURES


def noun_follows(tokens: Sequence[Token], place: int) -> bool:
    """Whether a number is followed by its own noun, after its measure word."""
    for token in tokens[place + 1 : place + 4]:
        if token.kind is WordKind.OF or token.kind in MODIFIERS:
            return True
        if token.kind in NOUNS:
            return token.text not in HUMAN_MEASURES
        if token.kind is not WordKind.MEASURE and not token.text.isspace():
            return False
    return False
