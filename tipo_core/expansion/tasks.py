"""The tasks and length classes of TIPO, and the plan of passes for one request.

Source of the vocabulary: TIPO (arXiv 2411.08127), section "Task definition"; lengths as trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

# The largest number of variants and rounds in one request.
MAX_VARIANTS = 64
MAX_ROUNDS = 16


class Field(str, Enum):
    """A text field of the TIPO format, by the name that stands before its colon."""

    TAG = "tag"
    SHORT = "short"
    LONG = "long"


@dataclass(frozen=True)
class Span:
    """An inclusive range of counts, from `least` to `most`."""

    least: int
    most: int

    def __contains__(self, count: object) -> bool:
        return isinstance(count, int) and self.least <= count <= self.most

    @property
    def upper_bound(self) -> Span:
        """The range of a field that may end early: one tag or sentence is enough."""
        return Span(min(1, self.least), self.most)


class Length(str, Enum):
    """A length class; the value is its token's name (`<|long|>`)."""

    VERY_SHORT = "very_short"
    SHORT = "short"
    LONG = "long"
    VERY_LONG = "very_long"

    @property
    def token(self) -> str:
        """The class as the target line names it."""
        return f"<|{self.value}|>"

    @property
    def tags(self) -> Span:
        """The number of tags of an answer of this class, as in the models' training."""
        return _TAG_COUNTS[self]

    @property
    def sentences(self) -> Span:
        """The number of sentences of a caption of this class."""
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


class TranslationMode(str, Enum):
    """What becomes of the tags of Chinese, Japanese, Korean and Russian words.

    The model reads them, except with OFF. ADD_TAGS adds them to the user's text, which stays;
    REPLACE writes them in place of the words.
    """

    OFF = "off"
    MODEL_ONLY = "model_only"
    ADD_TAGS = "add_tags"
    REPLACE = "replace"


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
        """The task as the target line names it; empty for TAGS."""
        return f"<|{self.value}|>" if self.value else ""

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields in the order of their lines."""
        if not self.value:
            return (Field.TAG,)
        return tuple(Field(name) for name in self.value.split("_to_"))

    @property
    def has_length(self) -> bool:
        """Whether the target line names a length class; `short_to_long` was trained without."""
        return self is not Task.SHORT_TO_LONG


@dataclass(frozen=True)
class Pass:
    """One pass of the language model: its task, the field that it writes, and the length class.

    The class is an upper bound; with `at_least` it is a lower bound as well.
    """

    task: Task
    grows: Field
    length: Length
    at_least: bool = False

    @property
    def span(self) -> Span:
        """The number of tags or sentences that the field has after the pass."""
        return self.span_of(self.grows)

    def span_of(self, name: Field) -> Span:
        """The number of tags or sentences of the field `name` at this length."""
        span = self.length.tags if name is Field.TAG else self.length.sentences
        return span if self.at_least else span.upper_bound


def plan_passes(
    *,
    has_tags: bool,
    has_caption: bool,
    tag_length: Length | None,
    caption_length: Length | None,
    at_least: bool = False,
) -> tuple[Pass, ...]:
    """Return the passes that bring a prompt to its lengths: tags first, then the caption.

    A length of None leaves that part as it is. The caption pass reads the tags of the tag pass,
    which is the aggregation of the paper.
    """
    passes: list[Pass] = []
    if tag_length is not None:
        with_caption = Task.SHORT_TO_TAG if has_tags else Task.LONG_TO_TAG
        task = with_caption if has_caption else Task.TAGS
        passes.append(Pass(task, Field.TAG, tag_length, at_least))
    if caption_length is not None:
        tags_known = has_tags or tag_length is not None
        # A caption alone is written in its longer form. Without any text, tag_to_long starts from
        # tags that the caller makes for it.
        task = Task.SHORT_TO_LONG if has_caption and not tags_known else Task.TAG_TO_LONG
        passes.append(Pass(task, Field.LONG, caption_length, at_least))
    return tuple(passes)
