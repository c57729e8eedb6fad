"""The TIPO text format: write a request, read an answer.

    <meta lines>
    target: <|LENGTH|> <|task|> <|gen_meta|>
    tag: a, b, c
    short: ...
    long: ...

A request ends inside the field that the model continues; the answer is the text that it adds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ..error_collector import ErrorCollector
from ..surrogates import refuse_surrogates
from .tasks import Field, Length, Task

# The metadata keys of the training texts, in the order in which a request writes them.
META_KEYS = (
    "meta",
    "rating",
    "artist",
    "characters",
    "copyrights",
    "quality",
    "aspect ratio",
)
_META_ALIASES = MappingProxyType(
    {
        "artists": "artist",
        "character": "characters",
        "copyright": "copyrights",
        "series": "copyrights",
        "ratings": "rating",
    }
)
_META_LINE = re.compile(r"([^:=]+)[:=](.*)")
GEN_META = "<|gen_meta|>"
EMPTY = "<|empty|>"


@dataclass(frozen=True)
class Request:
    """One request to the model.

    `given` holds the texts of known fields. The model continues the first field of the task that
    is not known, or the task's last field. `meta` is written before the target line, in the order
    of `META_KEYS`.
    """

    task: Task
    length: Length
    given: Mapping[Field, str] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)
    gen_meta: bool = False


@dataclass(frozen=True)
class Answer:
    """An answer of the model: the text of each field, its metadata, whether the form is right.

    For the field that the request left open, `fields` has the added text alone.
    """

    fields: Mapping[Field, str]
    meta: Mapping[str, str]
    well_formed: bool


def parse_meta(text: str) -> dict[str, str]:
    """Return the metadata of lines such as `key: value` or `key = value`.

    ValueError for a lone surrogate, for lines of another form and for unknown keys; it lists the
    known keys.
    """
    refuse_surrogates("metadata", text)
    errors = ErrorCollector()
    values: dict[str, list[str]] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        match = _META_LINE.fullmatch(line)
        key = match.group(1).strip().lower().replace("_", " ") if match else ""
        key = _META_ALIASES.get(key, key)
        with errors.collect():
            if match is None:
                raise ValueError(
                    f"metadata {line.strip()!r} has no key: write 'key: value' or "
                    f"key=value. The keys are {', '.join(META_KEYS)}"
                )
            if key not in META_KEYS:
                raise ValueError(
                    f"metadata {line.strip()!r}: there is no key {key!r}: choose "
                    f"{', '.join(META_KEYS)}"
                )
            values.setdefault(key, []).append(match.group(2).strip())
    errors.raise_all()
    return {key: ", ".join(filter(None, texts)) for key, texts in values.items()}


def render_meta(meta: Mapping[str, str]) -> list[str]:
    """Return the metadata lines; ValueError for unknown keys, with the known ones."""
    unknown = sorted(set(meta) - set(META_KEYS))
    if unknown:
        raise ValueError(f"unknown metadata {unknown}: the known keys are {', '.join(META_KEYS)}")
    return [f"{key}: {_one_line(meta[key])}" for key in META_KEYS if meta.get(key, "").strip()]


def render_target(task: Task, length: Length, gen_meta: bool) -> str:
    """Return the `target:` line of a request."""
    tokens = (
        length.token if task.has_length else "",
        task.token,
        GEN_META if gen_meta else "",
    )
    return " ".join(["target:", *(token for token in tokens if token)])


def render_request(request: Request, open_field: Field | None = None) -> str:
    """Return the text that the model continues; it ends within a line, without a blank.

    It ends in `open_field`, by default the first field that is not given, or the last one.
    """
    lines = render_meta(request.meta)
    lines.append(render_target(request.task, request.length, request.gen_meta))
    last = open_field or request.task.fields[-1]
    for name in request.task.fields:
        text = _one_line(request.given.get(name, ""))
        lines.append(f"{name.value}: {text}" if text else f"{name.value}:")
        if not text or name is last:
            break
    return "\n".join(lines)


def read_answer(request: Request, completion: str) -> Answer:
    """Return the answer to `request` in `completion`.

    A line begins a field if the task still owes that field, and metadata if `gen_meta` requests
    it; any other line with a colon belongs to the text before it. `well_formed` is True if every
    owed field has a text and no other text follows.
    """
    owed = list(request.task.fields)
    while len(owed) > 1 and request.given.get(owed[0], "").strip():
        owed.pop(0)
    current: Field | str = owed[0]
    texts: dict[Field, str] = {owed.pop(0): ""}
    meta: dict[str, str] = {}
    well_formed = True
    for number, line in enumerate(completion.split("\n")):
        head, colon, rest = line.partition(":")
        if number and colon and owed and head == owed[0].value:
            current = owed.pop(0)
            texts[current] = rest
        elif number and colon and not owed and request.gen_meta and head in META_KEYS:
            current = head
            well_formed &= head not in meta and head not in request.meta
            meta.setdefault(head, rest.strip())
        elif isinstance(current, Field):
            well_formed &= not number
            texts[current] += line if not number else " " + line
        elif line.strip():
            well_formed = False
    fields = {name: "" if text.strip() == EMPTY else text for name, text in texts.items()}
    filled = [text.strip() or request.given.get(name, "") for name, text in fields.items()]
    return Answer(fields=fields, meta=meta, well_formed=well_formed and not owed and all(filled))


def split_tags(text: str) -> list[str]:
    """Return the tags of a tag line, stripped, without empty ones."""
    return [tag for tag in (part.strip() for part in text.split(",")) if tag]


def _one_line(text: str) -> str:
    """Return the text of a field as one line, without a comma at its end."""
    return " ".join(text.split("\n")).strip().rstrip(",").rstrip()
