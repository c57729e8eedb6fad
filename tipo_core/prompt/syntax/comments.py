"""Comments of a prompt: notes that neither a language model nor a text encoder reads.

- ``#`` to the end of its line, where ``#`` is the line's first character or has blanks on both
  sides: ``#compass`` is a word, and so is ``#1`` after a blank;
- ``//`` to the end of its line, at the beginning of the line or after a blank: not ``http://``;
- ``/* ... */``, also over several lines; it divides no tag. Without ``*/`` it is words.

A comment does not begin in an angle tag or in another comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ANGLE_REST = r"[A-Za-z][\w-]*:[^<>\r\n]*>"
ANGLE = f"<{_ANGLE_REST}"
# The known names that begin with #, without it: tags also as the first word of a line.
NAME_AFTER_SIGN = r"(?i:compass|b7282e)(?!\w)"
LINE_COMMENT = (
    rf"(?:\#(?:(?<![^\r\n]\#)(?!{NAME_AFTER_SIGN})|"
    r"(?<=[ \t]\#)(?=[ \t\r\n]|\Z))[^\r\n]*"
    r"|(?<![^ \t\r\n])//[^\r\n]*)"
)
BLOCK, BLOCK_END = "/*", "*/"
_LINE_OR_ANGLE = rf"<(?<!\\<){_ANGLE_REST}|{LINE_COMMENT}"
_OPAQUE = re.compile(_LINE_OR_ANGLE)
_OPAQUE_OR_BLOCK = re.compile(rf"{_LINE_OR_ANGLE}|/\*")
_WORD_SIGN = re.compile(r"[^\s,\uff0c\u3001()\[\]{}]")


def opaque_ranges(text: str) -> Iterator[tuple[int, int]]:
    """The angle tags and comments of a text, in order; brackets in them are no brackets."""
    if BLOCK not in text:
        yield from (match.span() for match in _OPAQUE.finditer(text))
        return
    pos = 0
    last_end = text.rfind(BLOCK_END)
    while match := _OPAQUE_OR_BLOCK.search(text, pos):
        start, pos = match.span()
        if match.group() == BLOCK:
            if last_end < pos:  # it stays open
                continue
            pos = text.index(BLOCK_END, pos) + len(BLOCK_END)
        yield start, pos


def has_comment_sign(text: str) -> bool:
    """Whether the text may have a comment: a quick look at its signs."""
    return "#" in text or "//" in text or BLOCK in text


def has_open_block(text: str) -> bool:
    """Whether a ``/*`` of the text has no ``*/`` after it."""
    if BLOCK not in text:
        return False
    position = 0
    for start, end in opaque_ranges(text):
        if BLOCK in text[position:start]:
            return True
        position = end
    return BLOCK in text[position:]


def comments(text: str) -> list[str]:
    """The comments of a text, verbatim, in order."""
    if not has_comment_sign(text):
        return []
    return [text[start:end] for start, end in opaque_ranges(text) if text[start] != "<"]


def without_c_comments(text: str) -> str:
    """The text without ``//`` and ``/* */`` comments, as the page of ComfyUI removes them.

    The blanks and line breaks around them stay, and so do ``#`` comments.
    """
    if BLOCK not in text and "//" not in text:
        return text
    output: list[str] = []
    position = 0
    for start, end in opaque_ranges(text):
        if text[start] == "/":
            output.append(text[position:start])
            position = end
    return "".join([*output, text[position:]])


def without_comments(text: str) -> str:
    """The text without its comments and the blanks before them; a line of comment goes whole."""
    if not has_comment_sign(text):
        return text
    output: list[str] = []
    position = 0  # end of the last comment
    for start, end in opaque_ranges(text):
        if text[start] == "<":
            continue
        kept = text[position:start]
        if text.startswith(BLOCK, start):
            is_glued = _WORD_SIGN.match(text, start - 1) and _WORD_SIGN.match(text, end)
            output += [kept, " " if start and is_glued else ""]
            position = end
            continue
        kept = kept.rstrip(" \t")
        line_start = start - 1
        while line_start >= 0 and text[line_start] in " \t":
            line_start -= 1
        output.append(kept)
        position = end
        if line_start < 0 or text[line_start] in "\r\n":
            position += 2 if text.startswith("\r\n", end) else len(text[end : end + 1])
    return "".join([*output, text[position:]])
