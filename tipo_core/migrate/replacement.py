"""New nodes in place of an old one, without the form of the file they stand in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .new_nodes import node_types

MAIN = "main"


@dataclass(frozen=True)
class Link:
    """A connection to a node of the old graph.

    `source` names its origin in the form of the file. `value` is what the origin holds, if it is
    known: the value of the page's primitive node.
    """

    source: Any
    value: Any = None


class Own(NamedTuple):
    """An output of another node of the replacement: the key of the node, the name of the output."""

    node: str
    output: str


@dataclass(frozen=True)
class Note:
    """A remark on one node; with `is_lost` something of the old node has no equal here."""

    text: str
    is_lost: bool = False


@dataclass
class NewNode:
    """A node to be made: values, links to old nodes and links to nodes of the replacement."""

    class_type: str
    inputs: dict[str, Any]
    control: str | None = None  # of the seed

    def all_inputs(self) -> dict[str, Any]:
        """Return the values and links in the declared order, with the defaults of the others."""
        values = {}
        for one in node_types()[self.class_type].inputs:
            if self.inputs.get(one.name) is not None:
                values[one.name] = self.inputs[one.name]
            elif one.is_widget:
                values[one.name] = one.default
        return values


@dataclass
class Replacement:
    """The nodes that replace one, by key; `MAIN` takes the old node's place, id and title.

    `outputs` says which output replaces the old one of a name. `widgets` says which input of which
    node holds the value of an old widget, for a workflow that shows a node's widgets elsewhere.
    """

    nodes: dict[str, NewNode] = field(default_factory=dict)
    outputs: dict[str, Own] = field(default_factory=dict)
    widgets: dict[str, tuple[str, str]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def add(self, key: str, class_type: str, **inputs: Any) -> NewNode:
        """Add a node."""
        self.nodes[key] = NewNode(class_type, inputs)
        return self.nodes[key]

    def note(self, text: str) -> None:
        """Remark on a value that is kept in another form."""
        self.notes.append(Note(text))

    def lose(self, text: str) -> None:
        """Remark on a value or link without an equal."""
        self.notes.append(Note(text, is_lost=True))

    def slot(self, own: Own) -> int:
        """Return the position of an output."""
        return node_types()[self.nodes[own.node].class_type].slot(own.output)


@dataclass
class OldValues:
    """The inputs of an old node: values and links; `control` is the control of its seed.

    `used` are the names of the outputs that other nodes read. `in_page` says that the workflow is
    in UI form.
    """

    given: Mapping[str, Any]
    used: Set[str]
    in_page: bool
    control: str | None = None
    saved: Mapping[str, Any] = field(default_factory=dict)  # behind the links, in UI form

    def __getitem__(self, name: str) -> Any:
        return self.given[name]

    def is_link(self, name: str) -> bool:
        """Whether another node gives the value."""
        return isinstance(self.given[name], Link)

    def links(self, *names: str) -> Iterator[str]:
        """Yield those names whose values come from other nodes."""
        return (name for name in names if self.is_link(name))

    def fixed(self, name: str, made: Replacement, default: Any) -> Any:
        """Return the value of an input that cannot be linked in the new node.

        The value of a primitive node is taken over. Else the last saved value, or `default`, stands
        for the link, which is lost.
        """
        value = self.given[name]
        if not isinstance(value, Link):
            return value
        if value.value is not None:
            made.note(f"the value {value.value!r} of the node linked to {name} is copied")
            return value.value
        kept = self.saved.get(name, default)
        made.lose(f"the link to {name} is removed, its value is now {kept!r}")
        return kept
