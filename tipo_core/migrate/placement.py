"""Places and sizes of new nodes on the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .json_shapes import object_at, objects, pair

_SIZES = {"TipoExpand": (400, 1180), "TipoTask": (400, 900), "TipoFormat": (360, 240)}
_SMALL = (300, 180)
_GAP = 40
_MOST_STEPS = 200
# Marks of the pack that a node comes from, which the manager reads.
_PACK_PROPERTIES = ("cnr_id", "aux_id", "ver", "Node name for S&R")
_OWN_KEYS = ("type", "inputs", "outputs", "widgets_values", "properties", "size")


def size_of(class_type: str) -> list[int]:
    """Return the size of a new node."""
    return list(_SIZES.get(class_type, _SMALL))


def take_place(node: Mapping[str, Any], main: dict[str, Any]) -> None:
    """Give the main node the place, title, colours and state of the old one."""
    size = main["size"]
    main |= {key: value for key, value in node.items() if key not in _OWN_KEYS}
    properties = object_at(node, "properties")
    kept = {key: value for key, value in properties.items() if key not in _PACK_PROPERTIES}
    main["properties"] = {**kept, **main["properties"]}
    width, height = pair(node.get("size"), size)
    main["size"] = [max(width, size[0]), max(height, size[1])]


def free_place(nodes: list[Any], main: Mapping[str, Any], size: list[int]) -> list[float]:
    """Return a place left of the main node or below it that no node covers."""
    x, y = pair(main.get("pos"), [0, 0])
    height = pair(main.get("size"), [0, 0])[1]
    left = x - size[0] - _GAP
    steps = min(int(height // _GAP) + 1, _MOST_STEPS)
    places = [[left, y + step * _GAP] for step in range(steps)]
    places += [[x, y + height + (step + 2) * _GAP] for step in range(_MOST_STEPS)]
    boxes = [
        (*pair(one.get("pos"), [0, 0]), *pair(one.get("size"), [0, 0])) for one in objects(nodes)
    ]
    for place in places:
        if not any(_overlap((*place, *size), box) for box in boxes):
            return place
    return places[-1]


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    margin = _GAP / 2
    return (
        one[0] < other[0] + other[2] + margin
        and other[0] < one[0] + one[2] + margin
        and one[1] < other[1] + other[3] + margin
        and other[1] < one[1] + one[3] + margin
    )
