"""Templates: text with fields such as ``<|general|>``; an empty field takes its comma with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from .syntax.parse import ends_in_comment

# - ``extended``: the user's caption and the sentences added to it
# - ``generated``: a caption that the model wrote without one of the user's
# - ``user``: the user's tags verbatim
# - ``added``: the tags that the model added
# - ``head``: the user's tags up to the last BREAK or AND
# - the categories: the other tags, of the user and added, by category
_CATEGORIES = (
    *("special", "characters", "copyrights", "artist", "general", "meta", "quality", "rating"),
)
FIELDS = (*_CATEGORIES, "extended", "generated", "user", "added", "head")
_FIELD = re.compile(r"<\|([^|<>\r\n]*)\|>")
# Between two parts: a stop or comma of the part before, blanks, further commas.
_GLUE = re.compile(r"([,.;\s]+)")
_STOPS = tuple(".!?\u2026\u3002\uff01\uff1f")


@dataclass(frozen=True)
class _Part:
    """One piece of a template: kind "field" (its name), "text" (words) or "glue" (punctuation)."""

    kind: str
    text: str


@dataclass(frozen=True)
class Template:
    """A parsed template. `render` fills in its fields."""

    parts: tuple[_Part, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Parse a template.

        Raises ValueError for unknown fields, with the list of the known ones.
        """
        unknown = [name for name in _FIELD.findall(text) if name.strip().lower() not in FIELDS]
        if unknown:
            _raise_unknown(dict.fromkeys(unknown))
        parts: list[_Part] = []
        position = 0
        for match in _FIELD.finditer(text):
            parts += _literals(text[position : match.start()])
            parts.append(_Part("field", match.group(1).strip().lower()))
            position = match.end()
        return cls((*parts, *_literals(text[position:])))

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields in the template, in order."""
        return tuple([part.text for part in self.parts if part.kind == "field"])

    def render(self, fields: Mapping[str, str]) -> str:
        """Fill in the fields, each value verbatim.

        A missing or blank value takes its comma, stop and line breaks with it. A blank ``extended``
        is replaced by ``generated`` where the template has no field for that. ``head`` comes first
        where the template places tags by category and has no field for it.
        Raises ValueError for an unknown name in `fields`.
        """
        unknown = [name for name in fields if name not in FIELDS]
        if unknown:
            _raise_unknown(unknown)
        output = ""
        left = ""  # the part before; empty at the start
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
        head = fields.get("head", "") if self._needs_head() else ""
        return head + (" " if head and output and not head[-1].isspace() else "") + output

    def _needs_head(self) -> bool:
        """Whether the template places tags by category and has no field for the user's head."""
        names = set(self.fields)
        return bool(names & set(_CATEGORIES)) and not names & {"head", "user"}

    def _value(self, name: str, fields: Mapping[str, str]) -> str:
        value = fields.get(name, "")
        if name == "extended" and not value.strip() and "generated" not in self.fields:
            return fields.get("generated", "")
        return value


def _raise_unknown(names: Iterable[str]) -> NoReturn:
    shown = ", ".join(f"'<|{name}|>'" for name in names)
    known = ", ".join(f"<|{field}|>" for field in FIELDS)
    raise ValueError(f"unknown template field {shown}: use one of {known}")


def _literals(text: str) -> list[_Part]:
    """Split the text between fields into words and the glue around them."""
    stripped = text.strip(",.; \t\r\n")
    if not stripped:
        return [_Part("glue", text)] if text else []
    start = text.index(stripped)
    parts = [("glue", text[:start]), ("text", stripped), ("glue", text[start + len(stripped) :])]
    return [_Part(kind, part) for kind, part in parts if part]


def _between(left: str, glue: list[str], right: str) -> str:
    """The text between two filled parts: of their glue the one with the most line breaks."""
    pieces = [piece for piece in glue if piece]
    if not pieces:
        return ""
    widest = max(pieces, key=lambda piece: len(_blank(piece)) if "\n" in piece else 0)
    own, blank = widest.strip(), _blank(widest)
    if not own and not blank.strip(" ") and any("," in piece for piece in pieces):
        own = ","
    if ends_in_comment(left) and "\n" not in blank:
        return "\n"  # else the next part would belong to the comment
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
    """Blanks of the glue: at most two line breaks, or one space."""
    lines = min(2, glue.count("\n"))
    if lines:
        return "\n" * lines
    return " " if any(character.isspace() for character in glue) else ""


def _final_stop(left: str, glue: list[str]) -> str:
    """The full stop that the template has after its last part, or nothing."""
    stop = glue[0].strip() if glue else ""
    return "." if stop.startswith(".") and not left.rstrip().endswith(_STOPS) else ""
