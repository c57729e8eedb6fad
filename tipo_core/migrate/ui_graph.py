"""One graph in UI form, the workflow's own or a subgraph's: its nodes and links.

A link is a list `[id, origin, slot, target, slot, type]` or a mapping with the same values. Nodes
and links of another shape are not read, and stay as they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .json_shapes import ids_of, is_id, object_at, objects

# The ends of a subgraph's links at its own inputs and outputs.
SUBGRAPH_INPUT = -10
SUBGRAPH_OUTPUT = -20
_NAMES = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")


class Ids:
    """Free numbers for nodes and links: larger than all others of the workflow."""

    def __init__(self, graphs: list[dict[str, Any]]) -> None:
        nodes: list[Any] = []
        links: list[Any] = []
        for graph in graphs:
            nodes += [node.get("id") for node in objects(graph["nodes"])]
            links += [_get(link, "id") for link in _links_in(graph.get("links"))]
            state = object_at(graph, "state")
            nodes += [graph.get("last_node_id"), state.get("lastNodeId")]
            links += [graph.get("last_link_id"), state.get("lastLinkId")]
        self.last_node = max(_numbers(nodes), default=0)
        self.last_link = max(_numbers(links), default=0)

    def new_node(self) -> int:
        """Return a free number for a node."""
        self.last_node += 1
        return self.last_node

    def new_link(self) -> int:
        """Return a free number for a link."""
        self.last_link += 1
        return self.last_link


def _numbers(ids: list[Any]) -> Iterator[int]:
    """Yield the ids that are numbers, also those that are written as texts, and 0."""
    yield 0
    for one in ids:
        if isinstance(one, int) or (isinstance(one, str) and one.isdecimal() and len(one) < 16):
            yield int(one)


class End(NamedTuple):
    """The end of a link: the id of a node, and the position of its input or output."""

    node: Any
    slot: Any


def _get(link: Any, name: str) -> Any:
    return link.get(name) if isinstance(link, dict) else link[_NAMES.index(name)]


def _links_in(values: object) -> list[Any]:
    """Return the links of a list that have an id and both ends."""
    found = []
    for link in values if isinstance(values, list) else ():
        is_whole = isinstance(link, dict) or (isinstance(link, list) and len(link) >= len(_NAMES))
        if is_whole and is_id(_get(link, "id")):
            found.append(link)
    return found


class UiGraph:
    """The nodes and links of a graph, changed in place."""

    def __init__(self, values: dict[str, Any], ids: Ids) -> None:
        self.values = values
        self.ids = ids
        self.nodes: list[Any] = values["nodes"]
        self._by_id = {_get(link, "id"): link for link in _links_in(values.get("links"))}
        self._nodes_by_id = {
            str(node["id"]): node for node in objects(self.nodes) if is_id(node.get("id"))
        }
        self._from_node: dict[str, list[Any]] = defaultdict(list)
        self._to_node: dict[str, list[Any]] = defaultdict(list)
        for link_id, link in self._by_id.items():
            self._from_node[str(_get(link, "origin_id"))].append(link_id)
            self._to_node[str(_get(link, "target_id"))].append(link_id)
        # Links of a subgraph are mappings, those of a workflow lists.
        first = next(iter(self._by_id.values()), None)
        self._uses_mappings = "inputNode" in values if first is None else isinstance(first, dict)

    def node(self, node_id: Any) -> dict[str, Any] | None:
        """Return a node, None for a missing one and for the ends of a subgraph."""
        return self._nodes_by_id.get(str(node_id))

    def add_node(self, node: dict[str, Any]) -> None:
        """Append a node."""
        self.nodes.append(node)
        self._nodes_by_id[str(node["id"])] = node

    def replace_node(self, place: int, node: dict[str, Any]) -> None:
        """Put a node at a place of the list."""
        self.nodes[place] = node
        self._nodes_by_id[str(node["id"])] = node

    def _link(self, link_id: Any) -> Any:
        return self._by_id.get(link_id) if is_id(link_id) else None

    def origin(self, link_id: Any) -> End | None:
        """Return the origin of a link, None for an unknown link."""
        link = self._link(link_id)
        return None if link is None else End(_get(link, "origin_id"), _get(link, "origin_slot"))

    def target(self, link_id: Any) -> End | None:
        """Return the target of a link, None for an unknown link."""
        link = self._link(link_id)
        return None if link is None else End(_get(link, "target_id"), _get(link, "target_slot"))

    def links_from(self, node: Mapping[str, Any]) -> dict[int, list[Any]]:
        """Return the links by the output of a node: in the order that the output lists them.

        The table of links decides, as in the page: links that no output lists come last, and a
        listed link that is not in the table is left out.
        """
        found: dict[int, list[Any]] = defaultdict(list)
        listed = [one for output in objects(node.get("outputs")) for one in output_links(output)]
        for link_id in dict.fromkeys([*listed, *self._from_node.get(str(node["id"]), ())]):
            origin = self.origin(link_id)
            if origin is None or str(origin.node) != str(node["id"]):
                continue
            if isinstance(origin.slot, int) and origin.slot >= 0:
                found[int(origin.slot)].append(link_id)
        return found

    def links_to(self, node: Mapping[str, Any]) -> set[Any]:
        """Return the links that end at a node."""
        ends = ((link_id, self.target(link_id)) for link_id in self._to_node[str(node["id"])])
        return {link_id for link_id, end in ends if end and str(end.node) == str(node["id"])}

    def retarget(self, link_id: Any, target: End) -> None:
        """Let a link end at another input."""
        self._set(link_id, target_id=target.node, target_slot=target.slot)

    def reoriginate(self, link_id: Any, origin: End, kind: str) -> None:
        """Let a link begin at another output, whose own list of links is the caller's to write."""
        self._set(link_id, origin_id=origin.node, origin_slot=origin.slot, type=kind)

    def _set(self, link_id: Any, **values: Any) -> None:
        link = self._by_id[link_id]
        for name, value in values.items():
            link[name if isinstance(link, dict) else _NAMES.index(name)] = value

    def add_link(self, origin: End, target: End, kind: str) -> int:
        """Add a link, also to the output that it begins at; return its id."""
        link_id = self.ids.new_link()
        values = dict(zip(_NAMES, (link_id, *origin, *target, kind), strict=True))
        link: Any = values if self._uses_mappings else list(values.values())
        if not isinstance(self.values.get("links"), list):
            self.values["links"] = []
        self.values["links"].append(link)
        self._by_id[link_id] = link
        self._from_node[str(origin.node)].append(link_id)
        self._to_node[str(target.node)].append(link_id)
        entry, key = self._output(origin)
        if entry is not None:
            if not isinstance(entry.get(key), list):
                entry[key] = []
            entry[key].append(link_id)
        return link_id

    def remove_link(self, link_id: Any) -> None:
        """Remove a link, also from both ends and from the points that bend it."""
        link = self._link(link_id)
        if link is None:
            return
        del self._by_id[link_id]
        entry, key = self._output(End(_get(link, "origin_id"), _get(link, "origin_slot")))
        listed = [entry.get(key)] if entry else []
        target = End(_get(link, "target_id"), _get(link, "target_slot"))
        if target.node == SUBGRAPH_OUTPUT:
            listed += [one.get("linkIds") for one in objects(self.values.get("outputs"))]
        else:
            for socket in objects((self.node(target.node) or {}).get("inputs")):
                if socket.get("link") == link_id:
                    socket["link"] = None
        extra = object_at(self.values, "extra")
        for holder in (self.values, extra):
            listed += [one.get("linkIds") for one in objects(holder.get("reroutes"))]
        if isinstance(extra.get("linkExtensions"), list):
            extra["linkExtensions"] = [
                one
                for one in extra["linkExtensions"]
                if not isinstance(one, dict) or one.get("id") != link_id
            ]
        for one in listed:
            if isinstance(one, list) and link_id in one:
                one.remove(link_id)
        self.values["links"].remove(link)

    def _output(self, origin: End) -> tuple[dict[str, Any] | None, str]:
        """Return the output that a link begins at, and the key of its list of links."""
        if origin.node == SUBGRAPH_INPUT:
            entries, key = self.values.get("inputs"), "linkIds"
        else:
            entries, key = (self.node(origin.node) or {}).get("outputs"), "links"
        if not isinstance(entries, list) or not isinstance(origin.slot, int):
            return None, key
        entry = entries[origin.slot] if 0 <= origin.slot < len(entries) else None
        return (entry if isinstance(entry, dict) else None), key


def output_links(output: Mapping[str, Any]) -> list[Any]:
    """Return the ids of the links that an output lists."""
    return ids_of(output.get("links"))
