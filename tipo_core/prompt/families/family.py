"""A family of models: how it wants its prompt. Each family is one JSON file.

`assets/families/README.md` describes the entries of a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...surrogates import refuse_surrogates, shortened
from ..template import Template

TAGS_THEN_PROSE, PROSE = "tags then prose", "prose"
TYPED, SPACES = "typed", "spaces"
READ, WORDS = "read", "words"
PROMPT_TEXT, TAGS_TEXT = "prompt", "tags"
# The longest file that is read, in bytes: a preset has one or two thousand.
MAX_BYTES = 200_000


@dataclass(frozen=True)
class FamilyEncoder:
    """A text encoder of a family.

    `keys` are ComfyUI's keys of its tokens, `text` says which text it gets: the whole prompt or the
    tags alone. `limit` is the number of tokens of text in one piece, None for no known limit, and
    `over` says what becomes of a longer text.
    """

    keys: tuple[str, ...]
    name: str
    text: str = PROMPT_TEXT
    limit: int | None = None
    over: str = ""


@dataclass(frozen=True)
class FamilySource:
    """Where a statement of a preset comes from, and what it says."""

    url: str
    says: str


@dataclass(frozen=True)
class Family:
    """The prompt that a family of models wants.

    `reads` says whether tags lead, or prose alone is read. `words` are added to every prompt: tags
    of quality, year, meta and rating. `negative` are the tags of the negative prompt, and
    `uses_negative` is False for models that read none. With `underscores` "spaces" the family knows
    tags with spaces only, with `weights` "words" its encoder reads the brackets of weights as
    words. `artist_prefix` is written before the name of an artist. `architectures` are names of
    ComfyUI's model configurations, `tokenizers` of its tokenizers; `file_names` are parts of file
    names of a family that shares another's architecture.
    """

    name: str
    label: str
    reads: str
    template: str
    encoders: tuple[FamilyEncoder, ...]
    sources: tuple[FamilySource, ...]
    words: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    uses_negative: bool = True
    underscores: str = TYPED
    artist_prefix: str = ""
    weights: str = READ
    architectures: tuple[str, ...] = ()
    tokenizers: tuple[str, ...] = ()
    file_names: tuple[str, ...] = ()

    @property
    def is_prose(self) -> bool:
        """Whether the family reads sentences only."""
        return self.reads == PROSE


def read_family(name: str, text: str, file: str) -> Family:
    """Return the family of a file's text; `file` names it in errors.

    Raises ValueError for text that is no JSON object, unknown, missing and wrong entries, and for a
    template with unknown fields.
    """
    try:
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("it is no object with entries such as 'label' and 'template'")
        return _family(name, values)
    except (ValueError, RecursionError) as error:
        problem = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ValueError(f"the model family file {file} cannot be used: {problem}") from None


def _family(name: str, values: Mapping[str, Any]) -> Family:
    entries = _read(values, "", _FAMILY, {"label", "reads", "template", "encoders", "sources"})
    template = Template.parse(entries["template"])
    if not template.fields:
        raise ValueError("its template has no field such as <|user|>")
    return Family(name=name, **entries)


def _encoder(values: Any, place: str) -> FamilyEncoder:
    _require(isinstance(values, dict), place, values, "write an object with 'keys' and 'name'")
    return FamilyEncoder(**_read(values, f"{place}: ", _ENCODER, {"keys", "name"}))


def _source(values: Any, place: str) -> FamilySource:
    _require(isinstance(values, dict), place, values, "write an object with 'url' and 'says'")
    return FamilySource(**_read(values, f"{place}: ", _SOURCE, {"url", "says"}))


_Reader = Callable[[Any, str], Any]


def _read(
    values: Mapping[str, Any], place: str, readers: Mapping[str, _Reader], needed: set[str]
) -> dict[str, Any]:
    unknown = sorted(values.keys() - readers.keys())
    if unknown:
        raise ValueError(f"{place}unknown entry {unknown[0]!r}: known are {', '.join(readers)}")
    missing = sorted(needed - values.keys())
    if missing:
        raise ValueError(f"{place}the entry {missing[0]!r} is missing")
    return {key: readers[key](value, f"{place}{key}") for key, value in values.items()}


def _require(is_right: bool, place: str, value: Any, remedy: str) -> None:
    if not is_right:
        raise ValueError(f"{place} is {shortened(value)}: {remedy}")


def _text(value: Any, place: str) -> str:
    _require(isinstance(value, str) and bool(value.strip()), place, value, "write a text")
    refuse_surrogates(place, value)
    return str(value)


def _blank_or_text(value: Any, place: str) -> str:
    return "" if value == "" else _text(value, place)


def _texts(value: Any, place: str) -> tuple[str, ...]:
    _require(isinstance(value, list), place, value, "write a list of texts")
    return tuple(_text(one, place) for one in value)


def _some_texts(value: Any, place: str) -> tuple[str, ...]:
    found = _texts(value, place)
    _require(bool(found), place, value, "write at least one text")
    return found


def _flag(value: Any, place: str) -> bool:
    _require(isinstance(value, bool), place, value, "write true or false")
    return bool(value)


def _count(value: Any, place: str) -> int:
    is_count = isinstance(value, int) and not isinstance(value, bool) and value > 0
    _require(is_count, place, value, "write a number above 0")
    return int(value)


def _one_of(*choices: str) -> _Reader:
    def read(value: Any, place: str) -> str:
        _require(value in choices, place, value, f"choose {' or '.join(map(repr, choices))}")
        return str(value)

    return read


def _list_of(read: _Reader) -> _Reader:
    def read_list(value: Any, place: str) -> tuple[Any, ...]:
        is_filled = isinstance(value, list) and bool(value)
        _require(is_filled, place, value, "write a list with at least one object")
        return tuple(read(one, f"{place}[{number}]") for number, one in enumerate(value))

    return read_list


_ENCODER: Mapping[str, _Reader] = MappingProxyType(
    {
        "keys": _some_texts,
        "name": _text,
        "text": _one_of(PROMPT_TEXT, TAGS_TEXT),
        "limit": _count,
        "over": _text,
    }
)
_SOURCE: Mapping[str, _Reader] = MappingProxyType({"url": _text, "says": _text})
_FAMILY: Mapping[str, _Reader] = MappingProxyType(
    {
        "label": _text,
        "reads": _one_of(TAGS_THEN_PROSE, PROSE),
        "template": _text,
        "words": _texts,
        "negative": _texts,
        "uses_negative": _flag,
        "underscores": _one_of(TYPED, SPACES),
        "artist_prefix": _blank_or_text,
        "weights": _one_of(READ, WORDS),
        "encoders": _list_of(_encoder),
        "architectures": _texts,
        "tokenizers": _texts,
        "file_names": _texts,
        "sources": _list_of(_source),
    }
)
