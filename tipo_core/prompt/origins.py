"""The parts of a prompt by their writer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Origin(str, Enum):
    """The writer of a part of the prompt.

    `JOINT` are the template's own words, and the commas, stops and blanks between two parts.
    """

    USER = "user"
    TAG = "tag"
    SENTENCE = "sentence"
    JOINT = "joint"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class TextSpan:
    """A part of the prompt and its origin; `tag` is the plain name of an added tag."""

    text: str
    origin: Origin
    tag: str = ""
