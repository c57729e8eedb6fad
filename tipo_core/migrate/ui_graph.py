"""One graph in UI form, the workflow's own or a subgraph's: its nodes and links.

A link is a list `[id, origin, slot, target, slot, type]` or a mapping with the same values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

# The ends of a subgraph's links at its own inputs and outputs.
SUBGRAPH_INPUT = -10
SUBGRAPH_OUTPUT = -20
_NAMES = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")


class Ids:
    """Free numbers for nodes and links: larger than all others of the workflow."""

    def __init__(self, graphs: list[Mapping[str, Any]]) -> None:
        nodes: list[Any] = [0]
        links: list[Any] = [0]
        for graph in graphs:
            nodes += [one["id"] for one in graph["nodes"] if isinstance(one.get("id"), int)]
            links += [_get(one, "id") for one in graph.get("links") or () if one]
            state = graph.get("state") or {}
            nodes += [graph.get("last_node_id"), state.get("lastNodeId")]
            links += [graph.get("last_link_id"), state.get("lastLinkId")]
        self.last_node = max(one for one in nodes if isinstance(one, int))
        self.last_link = max(one for one in links if isinstance(one, int))

    def new_node(self) -> int:
        """Return a free number for a node."""
        self.last_node += 1
        return self.last_node

    def new_link(self) -> int:
        """Return a free number for a link."""
        self.last_link += 1
        return self.last_link


class End(NamedTuple):
    """The end of a link: the id of a node, and the position of its input or output."""

    node: Any
    slot: int


def _get(link: Any, name: str) -> Any:
    return link.get(name) if isinstance(link, dict) else link[_NAMES.index(name)]


class UiGraph:
    """The nodes and links of a graph, changed in place."""

    def __init__(self, values: dict[str, Any], ids: Ids) -> None:
        self.values = values
        self.ids = ids
        self.nodes: list[dict[str, Any]] = values["nodes"]
        self._links: list[Any] = values.setdefault("links", [])
        self._by_id = {_get(link, "id"): link for link in self._links if link}
        self._nodes_by_id = {str(node["id"]): node for node in self.nodes}
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

    def origin(self, link_id: Any) -> End | None:
        """Return the origin of a link, None for an unknown link."""
        link = self._by_id.get(link_id)
        if link is None:
            return None
        return End(_get(link, "origin_id"), _get(link, "origin_slot"))

    def target(self, link_id: Any) -> End | None:
        """Return the target of a link, None for an unknown link."""
        link = self._by_id.get(link_id)
        if link is None:
            return None
        return End(_get(link, "target_id"), _get(link, "target_slot"))

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
        self._links.append(link)
        self._by_id[link_id] = link
        listed = self._links_of(origin)
        if listed is not None:
            listed.append(link_id)
        return link_id

    def remove_link(self, link_id: Any) -> None:
        """Remove a link, also from both ends and from the points that bend it."""
        link = self._by_id.pop(link_id, None)
        if link is None:
            return
        listed = [self._links_of(End(_get(link, "origin_id"), _get(link, "origin_slot")))]
        target = End(_get(link, "target_id"), _get(link, "target_slot"))
        if target.node == SUBGRAPH_OUTPUT:
            listed += [one.get("linkIds") for one in self.values.get("outputs") or ()]
        else:
            sockets = (self.node(target.node) or {}).get("inputs") or []
            for socket in sockets:
                if socket.get("link") == link_id:
                    socket["link"] = None
        extra = self.values.get("extra") or {}
        for holder in (self.values, extra):
            listed += [one.get("linkIds") for one in holder.get("reroutes") or ()]
        if isinstance(extra.get("linkExtensions"), list):
            extra["linkExtensions"] = [
                one for one in extra["linkExtensions"] if one.get("id") != link_id
            ]
        for one in listed:
            if one is not None and link_id in one:
                one.remove(link_id)
        self._links.remove(link)

    def _links_of(self, origin: End) -> list[Any] | None:
        """Return the list of links that an output keeps, made where it has none."""
        if origin.node == SUBGRAPH_INPUT:
            entries, key = self.values.get("inputs") or [], "linkIds"
        else:
            entries, key = (self.node(origin.node) or {}).get("outputs") or [], "links"
        if not 0 <= origin.slot < len(entries):
            return None
        entry = entries[origin.slot]
        if entry.get(key) is None:
            entry[key] = []
        listed: list[Any] = entry[key]
        return listed
