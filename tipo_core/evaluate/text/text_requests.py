"""Requests as people type them: a JSON list of objects `{kind, text, persons}`.

`kind` groups the requests that may share additions; a request without a kind is its own kind.
`persons` is an optional label by hand: the person tags that a reader would give the request, `[]`
for none. Without the label, the pack's own word tables decide, so a person that they overlook is
not counted as overlooked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...prompt import person_range
from ...surrogates import refuse_surrogates


@dataclass(frozen=True)
class TextRequest:
    """One request; `persons` is None where no label is given."""

    text: str
    kind: str
    persons: tuple[str, ...] | None = None


def read_requests(path: Path) -> list[TextRequest]:
    """Read a file of requests.

    Raises ValueError for another form; the error names the file and the entry. Other keys of an
    entry are ignored.
    """
    entries = read_json_file(path, "a list of objects")
    if not isinstance(entries, list) or not entries:
        raise ValueError(f'{path} holds no list of requests: give [{{"text": "..."}}, ...]')
    requests = [request_of(entry, f"{path}, entry {n}", n) for n, entry in enumerate(entries, 1)]
    places: dict[str, int] = {}
    for number, request in enumerate(requests, 1):
        first = places.setdefault(request.text, number)
        if first != number:
            raise ValueError(f"{path}, entries {first} and {number} are the same text: remove one")
    return requests


def read_json_file(path: Path, wanted: str) -> Any:
    """Return the value in a JSON file. Raises ValueError that names the file and `wanted`."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ValueError(f"there is no file '{path}': check the path") from None
    except IsADirectoryError:
        raise ValueError(f"'{path}' is a folder: give a JSON file with {wanted}") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ValueError(f"'{path}' cannot be read ({reason}): give {wanted}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON file ({error}): give {wanted}") from error


def request_of(entry: Any, place: str, number: int) -> TextRequest:
    """Return the request of a JSON object; `place` names it in errors."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("text"), str):
        raise ValueError(f'{place} has no text: give an object such as {{"text": "a cat"}}')
    refuse_surrogates(f"{place}: text", entry["text"])
    kind = entry.get("kind", "")
    if not isinstance(kind, str):
        raise ValueError(f"{place}: kind is {kind!r}: give a text or leave it out")
    refuse_surrogates(f"{place}: kind", kind)
    return TextRequest(entry["text"], kind or f"request {number}", _persons(entry, place))


def _persons(entry: Mapping[str, Any], place: str) -> tuple[str, ...] | None:
    persons: Sequence[str] | None = entry.get("persons")
    if persons is None:
        return None
    if not isinstance(persons, list) or any(
        not isinstance(tag, str) or person_range(tag) is None for tag in persons
    ):
        raise ValueError(
            f'{place}: persons is {persons!r}: give a list of person tags such as ["1boy"], or '
            "[] for none"
        )
    return tuple(persons)
