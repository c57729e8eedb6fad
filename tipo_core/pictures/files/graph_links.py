"""A graph in API form: its nodes, and the links between them followed backwards.

The graph comes from a file or a browser. Malformed or missing nodes and links are treated as
absent, and circles end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


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
    """A graph in API form: node id -> {"class_type": ..., "inputs": {...}}."""

    def __init__(self, nodes: object) -> None:
        self._nodes = nodes if isinstance(nodes, dict) else {}

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
        """The value of a widget, or of the primitive to which it is linked; None for neither.

        Values of another type than `kind`, NaN, infinity and numbers of 2^64 or more are None.
        """
        seen = set()
        while node and (source := self.source(node, name)):
            node, slot = source
            if node.node_id in seen:
                return None
            seen.add(node.node_id)
            if node.class_type.startswith("Primitive"):
                name = "value"
            elif node.class_type == "TipoClipSkipEncode" and slot == 2:
                name = "text"  # its output `text` is its input
            else:
                return None
        value = node and node.inputs.get(name)
        # No widget takes a number of 2^64 or more; the comparison is False for NaN.
        if isinstance(value, bool) or (isinstance(value, (int, float)) and not abs(value) < 2**64):
            return None
        return value if isinstance(value, (int, float) if kind is float else kind) else None
