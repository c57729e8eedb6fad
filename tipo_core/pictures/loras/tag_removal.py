"""A prompt without the tags of its networks, all other text verbatim.

A tag takes along what would be empty without it: a group, a line, and one of the two commas around
it. Of the blanks on its two sides those on one side remain between words, and none elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...prompt.syntax.span_kind import SpanKind
from .lora_tags import GROUPS, is_network, prompt_spans

if TYPE_CHECKING:
    from ...prompt.syntax.parse import Spans

_BLANKS = " \t"
_BORDERS = (SpanKind.SEPARATOR, SpanKind.NEWLINE, SpanKind.MARK)


class _Piece(NamedTuple):
    """A piece of text; its kind is None for a removed tag or group."""

    kind: SpanKind | None
    text: str

    @property
    def is_blank(self) -> bool:
        """Whether the piece has no words."""
        return self.kind is SpanKind.WORD and not self.text.strip(_BLANKS)

    @property
    def is_border(self) -> bool:
        """Whether an item of the prompt begins or ends here."""
        return self.kind in _BORDERS

    def lstrip(self) -> _Piece:
        """The piece without the blanks before its words."""
        return self._replace(text=self.text.lstrip(_BLANKS))

    def rstrip(self) -> _Piece:
        """The piece without the blanks after its words or comma."""
        return self._replace(text=self.text.rstrip(_BLANKS))


_REMOVED = _Piece(None, "")
_NOTHING = _Piece(SpanKind.MARK, "")  # the edge of a group, or the end of the text
_START = _Piece(SpanKind.NEWLINE, "")  # before the text: a line begins


def without_tags(text: str) -> str:
    """Return a prompt without the tags of LoRAs and hypernetworks."""
    if "<" not in text:
        return text
    return _without(prompt_spans(text), _START)[0]


def _without(spans: Spans, before: _Piece = _NOTHING) -> tuple[str, bool]:
    """The text of the spans of one level without tags, and whether it has words."""
    pieces = [_piece(spans, index) for index in range(len(spans))]
    has_words = any(piece.kind and not (piece.is_border or piece.is_blank) for piece in pieces)
    kept: list[_Piece] = []
    index = 0
    while index < len(pieces):
        end = _end_of_run(pieces, index)
        if end == index:
            kept.append(pieces[index])
            index += 1
            continue
        left = kept.pop() if kept else before
        right, after = (pieces[i] if i < len(pieces) else _NOTHING for i in (end, end + 1))
        has_blank = any(piece.text for piece in pieces[index:end])
        left, right = _joined(left, right, after, has_blank)
        if left.text:
            kept.append(left)
        if right.text:
            pieces[end] = right
            index = end
        else:
            index = end + 1
    return "".join([piece.text for piece in kept]), has_words


def _piece(spans: Spans, index: int) -> _Piece:
    """The span, without the tags inside a group; removed if it is a tag or has no other words."""
    kind, text = spans.kinds[index], spans.texts[index]
    if "<" not in text:
        return _Piece(kind, text)
    if kind is SpanKind.ANGLE and is_network(text):
        return _REMOVED
    if kind not in GROUPS:
        return _Piece(kind, text)
    inside, has_words = _without(spans[index].children)
    return _Piece(kind, f"{text[0]}{inside}{text[-1]}") if has_words else _REMOVED


def _end_of_run(pieces: list[_Piece], start: int) -> int:
    """The end of the removed pieces from `start` on with blanks around them; `start` for none."""
    end, has_removed = start, False
    while end < len(pieces) and (pieces[end].kind is None or pieces[end].is_blank):
        has_removed = has_removed or pieces[end].kind is None
        end += 1
    return end if has_removed else start


def _joined(left: _Piece, right: _Piece, after: _Piece, has_blank: bool) -> tuple[_Piece, _Piece]:
    """The pieces on both sides of a removed run; `after` follows `right`.

    `has_blank`: the run has blanks of its own. An empty piece is to be dropped.
    """
    comma, line_end = SpanKind.SEPARATOR, SpanKind.NEWLINE
    if left.is_border and right.is_border:
        if right.kind is comma:
            if after.is_border and after.kind is not comma:
                left = left.rstrip()
            return left, right._replace(text=right.text[1:].lstrip(_BLANKS))
        if left.kind is comma:
            left = left.rstrip()
            return (left if right.kind is line_end else left._replace(text=left.text[:-1])), right
        if right.kind is line_end and left.kind is line_end:
            return left, right._replace(text=_without_line_end(right.text))
        if left.kind is line_end and not right.text:
            left = left._replace(text=_without_line_end(left.text[::-1])[::-1])
        return left, right
    if left.is_border:
        return left, right.lstrip()
    if right.is_border:
        return left.rstrip(), right
    if left.text != left.rstrip().text:
        return left, right.lstrip()
    if has_blank and right.text == right.lstrip().text:
        return left._replace(text=f"{left.text} "), right
    return left, right


def _without_line_end(text: str) -> str:
    """The text without its first line end; CR and LF together are one."""
    return text[2:] if text[:2] in ("\r\n", "\n\r") else text[1:]
