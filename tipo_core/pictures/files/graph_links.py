"""A graph in API form: its nodes, and the links between them followed backwards.

The graph comes from a file or a browser. Malformed or missing nodes and links are treated as
absent, and circles end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..sampling.value_lists import Value
from .swept_values import OUTPUTS, SWEEP_NODE, ShownAxis, is_swept, swept_axes, swept_value


@dataclass(frozen=True)
class Node:
    """One node of the graph."""

    node_id: str
    class_type: str
    inputs: dict[str, Any] = field(hash=False, compare=False)

    @property
    def is_sampler(self) -> bool:
        """Whether the node samples: it has a latent image and a conditioning or a guider."""
        return "latent_image" in self.inputs and bool({"positive", "guider"} & set(self.inputs))


Source = tuple[Node, int]  # a node and the number of its output


class Graph:
    """A graph in API form: node id -> {"class_type": ..., "inputs": {...}}.

    `list_index` is the place of a picture in the list for which ComfyUI runs a node several times;
    None for a picture of unknown place. `choices` are the host's names of samplers and schedulers.
    """

    def __init__(
        self,
        nodes: object,
        list_index: int | None = None,
        choices: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._nodes = nodes if isinstance(nodes, dict) else {}
        self._place = list_index
        self._choices = choices or {}

    def without_place(self) -> Graph:
        """The same graph for a picture of unknown place in its list."""
        return Graph(self._nodes, None, self._choices)

    def ids(self) -> list[str]:
        """The ids of all entries."""
        return [node_id for node_id in self._nodes if isinstance(node_id, str)]

    def title(self, node_id: str) -> str:
        """The title of a node, which the page writes beside its inputs; "" for none."""
        match self._nodes.get(node_id):
            case {"_meta": {"title": str() as title}}:
                return title
        return ""

    def node(self, node_id: str) -> Node | None:
        """The node of an id."""
        found = self._nodes.get(node_id)
        if not isinstance(found, dict):
            return None
        class_type, inputs = found.get("class_type"), found.get("inputs")
        if not isinstance(class_type, str) or not isinstance(inputs, dict):
            return None
        return Node(node_id, class_type, inputs)

    def source(self, node: Node | None, name: str) -> Source | None:
        """The node, and its output, to which an input is linked."""
        match node and node.inputs.get(name):
            case [str() | int() as node_id, int() as slot]:
                origin = self.node(str(node_id))
                return (origin, slot) if origin else None
        return None

    def linked(self, node: Node | None, name: str) -> Node | None:
        """The node to which an input is linked."""
        source = self.source(node, name)
        return source[0] if source else None

    def chain(self, node: Node | None, name: str) -> Iterator[Node]:
        """The nodes along the inputs of one name, for example `model`, back to the loader."""
        seen = set()
        while (node := self.linked(node, name)) and node.node_id not in seen:
            seen.add(node.node_id)
            yield node

    def value(self, node: Node | None, name: str, kind: type) -> Any:
        """The value of a widget, or of the primitive or sweep to which it is linked, or None.

        Values of another type than `kind`, NaN, infinity and numbers of 2^64 or more are None.
        """
        _, value = self.any_value(node, name)
        # No widget takes a number of 2^64 or more; the comparison is False for NaN.
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if isinstance(value, bool) or (is_number and not abs(value) < 2**64):
            return None
        return value if isinstance(value, (int, float) if kind is float else kind) else None

    def any_value(self, node: Node | None, name: str) -> tuple[bool, Any]:
        """Whether the value of an input is known, and the value, of any type.

        A parameter of a sweep has the picture's value, which its widget may not have.
        """
        if node and node.class_type == SWEEP_NODE and name and name in OUTPUTS:
            value = self._swept(node, name)
            return value is not None, value
        origin, name, slot = self._origin(node, name)
        if origin is None:
            return False, None
        if slot is not None:
            value = self._swept(origin, OUTPUTS[slot] if 0 <= slot < len(OUTPUTS) else "")
            return value is not None, value
        value = origin.inputs.get(name)
        return name in origin.inputs and not isinstance(value, (list, dict)), value

    def is_linked(self, node_id: str, slot: int, class_type: str = "") -> bool:
        """Whether an output of a node is connected: to a node of a type, or to any for ""."""
        return any(
            value[1] == slot and str(value[0]) == node_id
            for node in map(self.node, self.ids())
            if node and class_type in ("", node.class_type)
            for value in node.inputs.values()
            if isinstance(value, list) and len(value) == 2
        )

    def axes(self, grid: Node) -> tuple[ShownAxis, ShownAxis] | None:
        """The columns and rows of a grid's sweep; None for an unknown sweep."""
        sweep = self.linked(grid, "sweep")
        if sweep is None or sweep.class_type != SWEEP_NODE:
            return None
        return swept_axes(partial(self._own_value, sweep), self._choices)

    def swept(self, node: Node, parameter: str) -> tuple[bool, Value | None]:
        """Whether the sweep at an input `sweep` changes a parameter, and the picture's value."""
        sweep = self.linked(node, "sweep")
        if sweep is None or not is_swept(partial(self._own_value, sweep), parameter):
            return False, None
        return True, self._swept(sweep, parameter)

    def _swept(self, sweep: Node, parameter: str) -> Value | None:
        value_of = partial(self._own_value, sweep)
        return swept_value(value_of, parameter, self._place, self._choices)

    def _own_value(self, node: Node, name: str) -> Any:
        """The value of a widget or primitive; None for a link to a sweep."""
        origin, name, slot = self._origin(node, name)
        value = origin.inputs.get(name) if origin and slot is None else None
        return value if isinstance(value, (int, float, str)) else None

    def _origin(self, node: Node | None, name: str) -> tuple[Node | None, str, int | None]:
        """The node that has the value of an input, and the name there; or a sweep and its output.

        No node for a link to another kind of node, and for a circle.
        """
        seen = set()
        while node and (source := self.source(node, name)):
            node, slot = source
            if node.node_id in seen:
                return None, name, None
            seen.add(node.node_id)
            if node.class_type.startswith("Primitive"):
                name = "value"
            elif node.class_type == "TipoClipSkipEncode" and slot == 2:
                name = "text"  # its output `text` is its input
            elif node.class_type == "TipoLoraPrompt" and slot == 2:
                name = "text"  # with its tags, as A1111 writes a prompt
            elif node.class_type == SWEEP_NODE:
                return node, name, slot
            else:
                return None, name, None
        return node, name, None
