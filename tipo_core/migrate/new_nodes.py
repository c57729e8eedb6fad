"""The nodes of this pack as ComfyUI declares them, for the UI form of a workflow.

The table is generated from a running server by `dev.py generate`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

TABLE = Path(__file__).parents[1] / "assets" / "migrate" / "nodes.json"


class NewInput(NamedTuple):
    """An input: a widget with a default or a socket; a seed may have the page's own widget."""

    name: str
    type: str
    is_widget: bool
    is_optional: bool
    default: Any
    has_control: bool


class NewOutput(NamedTuple):
    """An output: its name in the saved workflow, and its type."""

    name: str
    type: str


class NewNodeType(NamedTuple):
    """The declaration of a node."""

    inputs: tuple[NewInput, ...]
    outputs: tuple[NewOutput, ...]

    def slot(self, name: str) -> int:
        """Return the position of an output."""
        return [one.name for one in self.outputs].index(name)

    @property
    def in_saved_order(self) -> tuple[NewInput, ...]:
        """The inputs in the order in which the page saves them: sockets, then widgets."""
        return tuple(sorted(self.inputs, key=lambda one: one.is_widget))


@cache
def node_types() -> Mapping[str, NewNodeType]:
    """Return the declarations by class type."""
    table = json.loads(TABLE.read_text("utf-8"))
    return MappingProxyType(
        {
            name: NewNodeType(
                tuple(NewInput(*one) for one in node["inputs"]),
                tuple(NewOutput(*one) for one in node["outputs"]),
            )
            for name, node in table.items()
        }
    )
