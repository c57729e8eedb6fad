"""The template language: fields such as ``<|general|>`` in text, empty parts leaving no trace."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from .syntax.parse import ends_in_comment

# ``extended`` is the user's caption and what was added to it, ``generated`` a caption that the
# model wrote alone, ``user`` the user's tags verbatim, ``added`` the tags that were added, ``head``
# what of the user's tags stands before his last BREAK or AND; the categories hold what is behind.
_CATEGORIES = (
    *("special", "characters", "copyrights", "artist", "general", "meta", "quality", "rating"),
)
FIELDS = (*_CATEGORIES, "extended", "generated", "user", "added", "head")
_FIELD = re.compile(r"<\|([^|<>\r\n]*)\|>")
# What stands between parts: a stop or comma at the part before, blanks and further commas.
_GLUE = re.compile(r"([,.;\s]+)")
_STOPS = tuple(".!?\u2026\u3002\uff01\uff1f")


@dataclass(frozen=True)
class _Part:
    """A field, a literal with words in it, or the glue between them."""

    kind: str
    text: str


@dataclass(frozen=True)
class Template:
    """A parsed template; ``render`` fills it."""

    parts: tuple[_Part, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Parse a template. ValueError for unknown fields, with the list of the known ones."""
        unknown = [name for name in _FIELD.findall(text) if name.strip().lower() not in FIELDS]
        if unknown:
            _unknown(dict.fromkeys(unknown))
        parts: list[_Part] = []
        position = 0
        for match in _FIELD.finditer(text):
            parts += _literals(text[position : match.start()])
            parts.append(_Part("field", match.group(1).strip().lower()))
            position = match.end()
        return cls((*parts, *_literals(text[position:])))

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields in the template, in order."""
        return tuple([part.text for part in self.parts if part.kind == "field"])

    def render(self, fields: Mapping[str, str]) -> str:
        """The template with the values in place, each verbatim.

        A missing or blank value takes its comma, stop and line breaks with it. Where
        ``extended`` is blank and the template has no ``generated``, that one stands in for it. A
        ``head`` comes first where the template sorts by categories and does not place it.
        ValueError for an unknown name in ``fields``.
        """
        unknown = [name for name in fields if name not in FIELDS]
        if unknown:
            _unknown(unknown)
        output = ""
        left = ""  # the part before, ``""`` at the start
        glue: list[str] = []
        for part in self.parts:
            if part.kind == "glue":
                glue.append(part.text)
                continue
            value = part.text if part.kind == "text" else self._value(part.text, fields)
            if not value.strip():
                continue
            output += (_between(left, glue, value) if left else "") + value
            left, glue = value, []
        output += _final_stop(left, glue) if left else ""
        head = fields.get("head", "") if self._sorts() else ""
        return head + (" " if head and output and not head[-1].isspace() else "") + output

    def _sorts(self) -> bool:
        """Whether tags are placed by their category, and nothing places the rest of them."""
        names = set(self.fields)
        return bool(names & set(_CATEGORIES)) and not names & {"head", "user"}

    def _value(self, name: str, fields: Mapping[str, str]) -> str:
        value = fields.get(name, "")
        if name == "extended" and not value.strip() and "generated" not in self.fields:
            return fields.get("generated", "")
        return value


def _unknown(names: Iterable[str]) -> NoReturn:
    shown = ", ".join(f"'<|{name}|>'" for name in names)
    known = ", ".join(f"<|{field}|>" for field in FIELDS)
    raise ValueError(f"unknown template field {shown}: the known ones are {known}")


def _literals(text: str) -> list[_Part]:
    """The text between fields: words are parts of their own, with glue around them."""
    stripped = text.strip(",.; \t\r\n")
    if not stripped:
        return [_Part("glue", text)] if text else []
    start = text.index(stripped)
    parts = [("glue", text[:start]), ("text", stripped), ("glue", text[start + len(stripped) :])]
    return [_Part(kind, part) for kind, part in parts if part]


def _between(left: str, glue: list[str], right: str) -> str:
    """What joins two present parts: the glue with the most line breaks, the first of equals."""
    pieces = [piece for piece in glue if piece]
    if not pieces:
        return ""
    widest = max(pieces, key=lambda piece: len(_blank(piece)) if "\n" in piece else 0)
    own, blank = widest.strip(), _blank(widest)
    if not own and not blank.strip(" ") and any("," in piece for piece in pieces):
        own = ","
    if ends_in_comment(left) and "\n" not in blank:
        return "\n"  # or the next part would belong to the comment
    bare = left.rstrip()
    own_blanks = left[len(bare) :]
    is_sentence = bare.endswith(_STOPS) and bare[-2:-1].isalnum()
    if is_sentence or bare.endswith(",") or right.lstrip().startswith(",") or "\n" in own_blanks:
        own = ""
    if "\n" in blank:
        blank = "\n" * max(0, blank.count("\n") - own_blanks.count("\n"))
    elif own_blanks and not own:
        blank = ""
    return own + blank


def _blank(glue: str) -> str:
    """The blanks of the glue: at most two line breaks, or one space."""
    lines = min(2, glue.count("\n"))
    if lines:
        return "\n" * lines
    return " " if any(character.isspace() for character in glue) else ""


def _final_stop(left: str, glue: list[str]) -> str:
    """The stop right behind the last part, where the template has one there."""
    stop = glue[0].strip() if glue else ""
    return "." if stop.startswith(".") and not left.rstrip().endswith(_STOPS) else ""
