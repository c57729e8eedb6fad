"""An answer as it grows: its tags or sentences taken or refused one by one."""

from __future__ import annotations

import re

from ..prompt import split_sentences
from .policy import Judge
from .tasks import Field

_ENDED = re.compile("[.!?\u2026\u3002\uff01\uff1f][\"'\u201d\u2019)]*\\Z")


def ends_sentence(text: str) -> bool:
    """Return whether `text` ends with a full stop or its like, blanks aside."""
    return bool(_ENDED.search(text.rstrip()))


class Gate:
    """Hears an answer grow, takes its tags or sentences one by one, and says when to stop.

    It stops behind `room` pieces, at the first one that the judge refuses, and at the end of the
    field. With `is_open` the first sentence belongs to one that was begun before.
    """

    def __init__(self, name: Field, room: int, is_open: bool, judge: Judge) -> None:
        self.taken: list[str] = []
        self.refused = ""
        self.refusal: str | None = None
        self._name = name
        self._room = room + (is_open and name is not Field.TAG)
        self._judge = judge
        self._judged = 0  # up to where the text was

    def __call__(self, text: str) -> bool:
        """Return whether the answer, `text` so far, has to be stopped."""
        if self._is_done or "\n" in text:
            return True
        if self._name is Field.TAG:
            self._judge_tags(text, whole=False)
        elif text[-1:].isalnum():
            # The sentence behind one has begun, so that one is complete.
            self._judge_sentences(text, whole=False)
        return self._is_done

    def close(self, text: str, ended: bool) -> None:
        """Judge what is left of the whole answer; unless it has ended, its last piece was cut."""
        line = text.split("\n")[0]
        if self._name is Field.TAG:
            self._judge_tags(line, whole=ended)
        else:
            self._judge_sentences(line, whole=ended or ends_sentence(line))

    @property
    def _is_done(self) -> bool:
        return self.refusal is not None or len(self.taken) >= self._room

    def _judge_tags(self, text: str, whole: bool) -> None:
        while not self._is_done:
            comma = text.find(",", self._judged)
            if comma < 0 and not whole:
                return
            tag = text[self._judged : comma if comma >= 0 else len(text)].strip()
            self._judged = comma + 1 if comma >= 0 else len(text)
            if tag:
                self._decide(tag)
            if comma < 0:
                return

    def _judge_sentences(self, text: str, whole: bool) -> None:
        sentences = split_sentences(text[self._judged :])
        for sentence in sentences if whole else sentences[:-1]:
            if self._is_done:
                return
            self._judged += len(sentence)
            if sentence.strip():
                self._decide(sentence)

    def _decide(self, piece: str) -> None:
        self.refusal = self._judge.refuse(self._name, piece)
        if self.refusal is not None:
            self.refused = piece
            return
        self._judge.take(self._name, piece)
        self.taken.append(piece)


class GrowingText:
    """The text of a field: what is kept of it, and what the model sees of it."""

    def __init__(self, name: Field, start: str) -> None:
        self.text = start
        self.context = start
        self.pieces: list[str] = []
        self._name = name

    @property
    def is_open(self) -> bool:
        """Whether the last sentence was begun and not ended."""
        return bool(self.context.strip()) and not ends_sentence(self.context)

    def take(self, piece: str) -> None:
        """Add a piece for good."""
        self.pieces.append(piece.strip())
        self.text = self._joined(self.text, piece)
        self.context = self._joined(self.context, piece)

    def pass_over(self, piece: str) -> None:
        """Let the model go on behind a piece that was refused."""
        self.context = self._joined(self.context, piece)

    def _joined(self, text: str, piece: str) -> str:
        if self._name is Field.TAG:
            return f"{text}, {piece}" if text.strip() else piece
        if text.strip() and not ends_sentence(text):
            return text + piece.rstrip()
        return text + (" " if text.strip() else "") + piece.strip()
