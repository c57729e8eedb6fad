"""Accept or refuse the tags or sentences of a completion while the model writes it."""

from __future__ import annotations

from ..prompt import split_sentences
from .policy import TagPolicy
from .tasks import Field


class StreamFilter:
    """Reads the completion of one field and says when it must stop.

    It stops after `room` accepted pieces (tags or sentences), at the first piece that the policy
    refuses, and at the end of the field's line. With `is_open` the first sentence continues one
    that began before the completion, and does not count.
    """

    def __init__(self, field: Field, room: int, is_open: bool, policy: TagPolicy) -> None:
        self.accepted: list[str] = []
        # The refused piece and the reason, if a piece was refused.
        self.refused = ""
        self.refusal: str | None = None
        self._field = field
        self._room = room + (is_open and field is not Field.TAG)
        self._policy = policy
        self._position = 0  # end of the last judged piece, in characters

    def __call__(self, text: str) -> bool:
        """Return whether the completion, `text` so far, must stop."""
        if self._is_done or "\n" in text:
            return True
        # A letter after a full stop begins the next sentence, so that the one before is complete.
        if self._field is Field.TAG or text[-1:].isalnum():
            self.feed(text)
        return self._is_done

    def feed(self, text: str, is_whole: bool = False) -> None:
        """Judge the new pieces of the completion; its last piece only if `text` `is_whole`."""
        rest = text[self._position :]
        is_tags = self._field is Field.TAG
        pieces = rest.split(",") if is_tags else split_sentences(rest)
        for piece in pieces if is_whole else pieces[:-1]:
            if self._is_done:
                return
            self._position += len(piece) + is_tags  # and the comma
            piece = piece.strip() if is_tags else piece
            if not piece.strip():
                continue
            self.refusal = self._policy.refuse(self._field, piece)
            if self.refusal is not None:
                self.refused = piece
                return
            self._policy.accept(self._field, piece)
            self.accepted.append(piece)

    @property
    def _is_done(self) -> bool:
        return self.refusal is not None or len(self.accepted) >= self._room
