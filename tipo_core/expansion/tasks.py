"""What TIPO can be asked for: tasks, lengths, and the plan of passes for one request.

Source of the vocabulary: TIPO (arXiv 2411.08127), section "Task definition"; lengths as trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

# How many variants and rounds one request may ask for.
MAX_VARIANTS = 64
MAX_ROUNDS = 16


class Field(str, Enum):
    """A text field of the TIPO format, by the name that stands before its colon."""

    TAG = "tag"
    SHORT = "short"
    LONG = "long"


@dataclass(frozen=True)
class Span:
    """An inclusive range of counts."""

    least: int
    most: int

    def __contains__(self, count: object) -> bool:
        return isinstance(count, int) and self.least <= count <= self.most


class Length(str, Enum):
    """A length class; the value is its token's name (`<|long|>`)."""

    VERY_SHORT = "very_short"
    SHORT = "short"
    LONG = "long"
    VERY_LONG = "very_long"

    @property
    def token(self) -> str:
        return f"<|{self.value}|>"

    @property
    def tags(self) -> Span:
        """How many tags an answer of this class has (the ranges the models were trained on)."""
        return _TAG_COUNTS[self]

    @property
    def sentences(self) -> Span:
        """How many sentences a caption of this class has."""
        return _SENTENCE_COUNTS[self]


_TAG_COUNTS = {
    Length.VERY_SHORT: Span(6, 18),
    Length.SHORT: Span(18, 36),
    Length.LONG: Span(36, 48),
    Length.VERY_LONG: Span(48, 72),
}
_SENTENCE_COUNTS = {
    Length.VERY_SHORT: Span(1, 2),
    Length.SHORT: Span(2, 4),
    Length.LONG: Span(4, 8),
    Length.VERY_LONG: Span(8, 18),
}


class Task(str, Enum):
    """A trained task; the value is its token's name. TAGS, the default task, has no token."""

    TAGS = ""
    TAG_TO_LONG = "tag_to_long"
    LONG_TO_TAG = "long_to_tag"
    SHORT_TO_TAG = "short_to_tag"
    SHORT_TO_LONG = "short_to_long"
    SHORT_TO_TAG_TO_LONG = "short_to_tag_to_long"
    SHORT_TO_LONG_TO_TAG = "short_to_long_to_tag"
    TAG_TO_SHORT_TO_LONG = "tag_to_short_to_long"

    @property
    def token(self) -> str:
        return f"<|{self.value}|>" if self.value else ""

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields in the order in which the text holds them."""
        if not self.value:
            return (Field.TAG,)
        return tuple(Field(name) for name in self.value.split("_to_"))

    @property
    def has_length(self) -> bool:
        """Whether the target line names a length class (`short_to_long` was trained without)."""
        return self is not Task.SHORT_TO_LONG


@dataclass(frozen=True)
class Pass:
    """One call of the language model: which task, and which length the field it grows has."""

    task: Task
    grows: Field
    length: Length


def plan_passes(
    *,
    has_tags: bool,
    has_caption: bool,
    tag_length: Length | None,
    caption_length: Length | None,
) -> tuple[Pass, ...]:
    """Return the passes that bring a request to its target: tags first, then the caption.

    A length of None means that this part is returned as it was given. The caption pass sees the
    tags as the tag pass left them, which is the aggregation of the paper.
    """
    passes: list[Pass] = []
    if tag_length is not None:
        with_caption = Task.SHORT_TO_TAG if has_tags else Task.LONG_TO_TAG
        task = with_caption if has_caption else Task.TAGS
        passes.append(Pass(task, Field.TAG, tag_length))
    if caption_length is not None:
        tags_known = has_tags or tag_length is not None
        # With a caption alone its longer form is asked for; with nothing at all tag_to_long
        # makes the tags on its way.
        task = Task.SHORT_TO_LONG if has_caption and not tags_known else Task.TAG_TO_LONG
        passes.append(Pass(task, Field.LONG, caption_length))
    return tuple(passes)
