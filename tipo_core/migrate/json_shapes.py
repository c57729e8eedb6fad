"""Parts of a saved workflow whose JSON may have another shape: a damaged part reads as empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Of places and sizes, in the page's pixels. Infinity and NaN are beyond it.
_FARTHEST = 1e9


def objects(values: object) -> list[dict[str, Any]]:
    """Return the objects of a list; other entries are left out."""
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def object_at(values: object, name: str) -> dict[str, Any]:
    """Return the object under a key, an empty one for another value."""
    found = values.get(name) if isinstance(values, Mapping) else None
    return found if isinstance(found, dict) else {}


def ids_of(values: object) -> list[Any]:
    """Return the ids of a list; other entries are left out."""
    return [one for one in values if is_id(one)] if isinstance(values, list) else []


def is_id(value: object) -> bool:
    """Whether a value can be the id of a node or link: a number or text. `True` is none."""
    return isinstance(value, (int, str)) and not isinstance(value, bool)


def pair(values: Any, default: Any) -> tuple[float, float]:
    """Return a saved place or size: a list, or a mapping with the keys "0" and "1"."""
    if isinstance(values, dict):
        values = [values.get("0"), values.get("1")]
    if isinstance(values, list) and len(values) > 1 and all(map(_is_distance, values[:2])):
        return values[0], values[1]
    return default[0], default[1]


def _is_distance(value: object) -> bool:
    return isinstance(value, (int, float)) and -_FARTHEST <= value <= _FARTHEST
