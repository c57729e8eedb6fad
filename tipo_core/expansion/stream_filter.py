"""Accept or refuse the tags or sentences of a completion while the model writes it."""

from __future__ import annotations

import re

from ..prompt import split_sentences
from .pair_prior.guide import TagGuide
from .policy import FRAGMENT, OFF_SUBJECT, TagPolicy
from .tasks import Field

# Stops and commas that a model writes before a sentence: the text before it has its own.
_STRAY_STOPS = re.compile(r"\A[\s.,;:!?\u2026\u3002\uff0c\u3001]+")
_NO_TAGS = frozenset(". , ; : - ' \" \u3002".split())


class StreamFilter:
    """Reads the completion of one field and says when it must stop.

    It stops after `room` accepted pieces (tags or sentences), at the first piece that the policy
    refuses, and at the end of the field's line. Stops without words are no sentence. `guide` learns
    of each judged tag. If the model begins the caption (`is_opening`), its first sentence is about
    the prompt.
    """

    def __init__(
        self,
        field: Field,
        room: int,
        policy: TagPolicy,
        guide: TagGuide | None = None,
        is_opening: bool = False,
    ) -> None:
        self.accepted: list[str] = []
        # The refused piece and the reason, if a piece was refused.
        self.refused = ""
        self.refusal: str | None = None
        self.field = field
        self._room = room
        self.policy = policy
        self._guide = guide
        self._is_opening = is_opening
        self._judged_words = 0  # of the sentence that is being written
        self._position = 0  # end of the last judged piece, in characters

    def __call__(self, text: str) -> bool:
        """Return whether the completion, `text` so far, must stop."""
        if self._is_done or "\n" in text:
            return True
        # A letter after a full stop begins the next sentence, so that the one before is complete.
        if self.field is Field.TAG or text[-1:].isalnum():
            self.feed(text)
        if self._guide is not None and self.field is not Field.TAG and not self._is_done:
            self._judge_early(text)
        return self._is_done

    def unjudged(self, text: str) -> str:
        """Return the end of the completion, `text` so far, that is not judged yet."""
        return text[self._position :]

    def _judge_early(self, text: str) -> None:
        """Refuse the sentence that is being written as soon as it leaves the subject.

        Its last two words may still become parts of longer names.
        """
        words = text[self._position :].split(" ")[:-2]
        if self._guide is not None and len(words) > self._judged_words:
            self._judged_words = len(words)
            begun = " ".join(words)
            self.refusal = self._guide.refuse_sentence(begun)
            if self.refusal is not None:
                self.refused = begun

    def feed(self, text: str, is_whole: bool = False) -> None:
        """Judge the new pieces of the completion; its last piece only if `text` `is_whole`."""
        rest = text[self._position :]
        is_tags = self.field is Field.TAG
        pieces = rest.split(",") if is_tags else split_sentences(rest)
        for piece in pieces if is_whole else pieces[:-1]:
            if self._is_done:
                return
            self._position += len(piece) + is_tags  # and the comma
            self._judged_words = 0
            piece = piece.strip() if is_tags else _STRAY_STOPS.sub("", piece)
            if not piece.strip() or piece in _NO_TAGS:
                continue
            self.refusal = self.policy.refuse(self.field, piece)
            if self._guide is not None and is_tags:
                self.refusal = self.refusal or self._guide.refuse(piece)
                self._guide.note(piece, self.refusal is None)
            elif self._guide is not None:
                self.refusal = self.refusal or self._guide.refuse_sentence(piece)
                if self._guide.is_fragment(piece):
                    self.refusal = self.refusal or FRAGMENT
                is_first = self._is_opening and not self.accepted
                if is_first and not self._guide.is_about_prompt(piece):
                    self.refusal = self.refusal or OFF_SUBJECT
            if self.refusal is not None:
                self.refused = piece
                return
            self.policy.accept(self.field, piece)
            self.accepted.append(piece)

    @property
    def _is_done(self) -> bool:
        return self.refusal is not None or len(self.accepted) >= self._room
