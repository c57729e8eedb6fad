"""Templates: text with fields such as ``<|general|>``; an empty field takes its comma with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from ..surrogates import refuse_surrogates, shortened
from .joins import SEPARATORS, ends_in_open_line, last_and_prompt
from .sentences import ends_sentence

# - ``extended``: the user's caption and the sentences added to it
# - ``generated``: a caption that the model wrote without one of the user's
# - ``user``: the user's tags verbatim; those of foreign words stand before a BREAK or AND
# - ``added``: the added tags: those of foreign words, then the model's
# - ``head``: the user's tags up to the last BREAK or AND
# - ``added_to_tags``: these where the user typed no caption, else ``added_to_caption`` holds them
# - ``caption``: the user's caption verbatim; ``continued``: the sentences added to it
# - ``typed_general`` and ``added_general``: the two parts of ``general``
# - the categories: the other tags, of the user and added, by category
_CATEGORIES = (
    *("special", "characters", "copyrights", "artist", "general", "meta", "quality", "rating"),
)
# Only in these a stop ends a sentence: ``k-on!`` is a tag.
_CAPTIONS = ("extended", "generated", "caption", "continued")
_ADDED = ("added", "added_to_tags", "added_to_caption", "added_general")
FIELDS = (*_CATEGORIES, *_CAPTIONS, "user", "typed_general", *_ADDED, "head")
# A caption field that holds ``generated`` where the user typed no caption.
_MAY_BE_GENERATED = ("extended", "continued")
# The longest output, in characters: a template may name a field thousands of times.
MAX_OUTPUT = 8_000_000
_GENERATED_FIRST = ("generated", "extended", "continued")
# Of a part: the weight that ends the user's last prompt after AND. It is no field of a template.
USER_WEIGHT = "user_weight"
_OF_THE_USER = frozenset((*_CATEGORIES, "typed_general", "user"))
_FIELD = re.compile(r"<\|([^|<>\r\n]*)\|>")
_STOPS = tuple(".!?\u2026\u3002\uff01\uff1f")


@dataclass(frozen=True)
class _Part:
    """One piece of a template: kind "field" (its name), "text" (words) or "glue" (punctuation)."""

    kind: str
    text: str


class FilledPart(NamedTuple):
    """A piece of a filled template: its text and the field that it comes from.

    The template's own words, and what stands between two parts, come from no field.
    """

    text: str
    field: str = ""


@dataclass(frozen=True)
class Template:
    """A parsed template. `render` fills in its fields."""

    parts: tuple[_Part, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Parse a template.

        Raises ValueError for unknown fields, with the list of the known ones, and for a lone
        surrogate.
        """
        refuse_surrogates("template", text)
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

        A missing or blank value takes its comma, stop and line breaks with it. A comma after a
        sentence of a caption is left out. A blank ``extended`` or ``continued`` is replaced by
        ``generated`` where the template has no field for that. ``head`` comes first where the
        template places tags by category and has no field for it. The weight of the user's last
        prompt after AND comes last, where it is read. Fields that an expansion of an earlier
        version lacks are made from the others.
        Raises ValueError for an unknown name in `fields`, a lone surrogate in its value, and an
        output of more than `MAX_OUTPUT` characters.
        """
        return "".join(part.text for part in self.filled(fields))

    def filled(self, fields: Mapping[str, str]) -> list[FilledPart]:
        """Return the parts of the text that `render` makes; joined they are the text."""
        if not isinstance(fields, Mapping):
            raise TypeError(f"fields is {shortened(fields)}: give a mapping of texts by field")
        unknown = [name for name in fields if name not in FIELDS]
        if unknown:
            _raise_unknown(unknown)
        for name, value in fields.items():
            refuse_surrogates(f"field {name!r}", value)
        fields = _with_parts(fields)
        output = [FilledPart(fields.get("head", "") if self._needs_head() else "", "head")]
        can_generate = {"generated", *_MAY_BE_GENERATED}.intersection(self.fields)
        takes_generated = min(can_generate, key=_GENERATED_FIRST.index, default="")
        ends = _Ends()
        places_head_late = "head" in self.fields[1:]
        weight = _UserWeight("" if places_head_late else fields.get("user", ""))
        left: _Part | None = None  # the part before, with its value for a text
        glue: list[str] = []
        length = len(output[0].text)
        for part in self.parts:
            if part.kind == "glue":
                glue.append(part.text)
                continue
            value, name = part.text, ""
            if part.kind == "field":
                name = part.text
                value = fields.get(name, "")
                if name == takes_generated and not value.strip():
                    name = "generated"
                    value = fields.get(name, "")
                value = weight.left_out_of(name, value)
            if not value.strip():
                continue
            between = ""
            if left is not None:
                between = ends.between(left, glue, value)
            elif output[0].text and not output[0].text[-1].isspace():
                between = " "
            output += [FilledPart(between), FilledPart(value, name)]
            length += len(between) + len(value)
            if length > MAX_OUTPUT:
                raise ValueError(
                    f"the template's output has more than {MAX_OUTPUT:,} characters: name each "
                    "field only once"
                )
            left, glue = _Part(_kind(part), value), []
        output.append(FilledPart(_final_stop(left.text, glue) if left is not None else ""))
        output.append(FilledPart(weight.found, USER_WEIGHT))
        return output

    def _needs_head(self) -> bool:
        """Whether the template places tags by category and has no field for the user's head."""
        names = set(self.fields)
        by_category = {*_CATEGORIES, "typed_general"}
        return bool(names & by_category) and not names & {"head", "user"}


def _with_parts(fields: Mapping[str, str]) -> Mapping[str, str]:
    """The fields, with parts of others where an expansion of an earlier version lacks them."""
    parts = {
        "typed_general": fields.get("general", ""),
        "caption": fields.get("extended", ""),
        **fields,
    }
    if not fields.keys() & {"added_to_tags", "added_to_caption"}:
        parts[added_field(fields.get("extended", ""))] = fields.get("added", "")
    return parts


def added_field(caption: str) -> str:
    """Return the field that holds the added tags: they follow the caption, if there is one."""
    return "added_to_caption" if caption.strip() else "added_to_tags"


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


class _UserWeight:
    """The weight that ends the user's last prompt after AND; it is left out of the fields."""

    def __init__(self, user: str) -> None:
        prompt, self._weight = last_and_prompt(user)
        # The end of the prompt with its weight, as it stands in one of the categories: "dog :0.5".
        self._end = (re.split(r"[,\n]", prompt)[-1].strip() + self._weight).rstrip()
        self.found = ""

    def left_out_of(self, name: str, value: str) -> str:
        """Return a field's value without the weight."""
        if not self._weight or name not in _OF_THE_USER:
            return value
        before, end, after = value.rpartition(self._end)
        if not end:
            return value
        self.found = self._weight
        # The blanks after it are its own in the user's text alone.
        after = after.removeprefix(self._weight[len(self._weight.rstrip()) :])
        return before + end.removesuffix(self._weight.rstrip()) + after


def _kind(part: _Part) -> str:
    """The kind of a filled part: "caption", "tags" or "text"."""
    if part.kind == "text":
        return "text"
    return "caption" if part.text in _CAPTIONS else "tags"


class _Ends:
    """The text between two filled parts.

    A value that a template names a thousand times is looked at once.
    """

    def __init__(self) -> None:
        self._is_open: dict[str, bool] = {}

    def between(self, left: _Part, glue: list[str], right: str) -> str:
        """The glue after `left`, a part with its kind and value: that with the most line breaks."""
        pieces = [piece for piece in glue if piece]
        if not pieces:
            return ""
        widest = max(pieces, key=lambda piece: len(_blank(piece)) if "\n" in piece else 0)
        own, blank = widest.strip(), _blank(widest)
        if not own and not blank.strip(" ") and any("," in piece for piece in pieces):
            own = ","
        if "\n" not in blank and self._ends_in_open_line(left.text):
            return "\n"  # else the next part would belong to the comment
        bare = left.text.rstrip()
        own_blanks = left.text[len(bare) :]
        breaks = _line_breaks(own_blanks)
        is_sentence = left.kind == "caption" and ends_sentence(bare)
        if (
            is_sentence
            or (own.startswith(".") and bare.endswith(_STOPS))
            or bare.endswith(SEPARATORS)
            or right.lstrip().startswith(SEPARATORS)
            or breaks
        ):
            own = ""
        if "\n" in blank:
            blank = "\n" * max(0, blank.count("\n") - breaks)
        elif own_blanks and not own:
            blank = ""
        return own + blank

    def _ends_in_open_line(self, value: str) -> bool:
        if value not in self._is_open:
            self._is_open[value] = ends_in_open_line(value)
        return self._is_open[value]


def _line_breaks(blanks: str) -> int:
    r"""The number of line breaks; ``\r\n`` is one."""
    return blanks.count("\n") + blanks.replace("\r\n", "").count("\r")


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
