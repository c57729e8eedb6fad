"""Workflows in UI form: the old nodes replaced in each graph, subgraphs included."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from ..lm.hub.catalog import NANO
from .migrated import Finding, Migrated, made_for
from .new_nodes import NewInput, node_types
from .old_nodes import OLD_NODES, OldNode, UnreadableNodeError, read_widgets
from .replacement import MAIN, Link, NewNode, Note, OldValues, Own, Replacement
from .ui_graph import End, Ids, UiGraph

# Sizes of new nodes, and the distance to the next one.
_SIZES = {"TipoExpand": (400, 1180), "TipoTask": (400, 900), "TipoFormat": (360, 240)}
_SMALL = (300, 180)
_GAP = 40
_PRIMITIVE = "PrimitiveNode"
_REROUTE = "Reroute"
# Marks of the pack that a node comes from, which the manager reads.
_PACK_PROPERTIES = ("cnr_id", "aux_id", "ver", "Node name for S&R")


def is_ui_workflow(values: object) -> bool:
    """Whether a JSON value is a workflow in UI form."""
    return isinstance(values, dict) and isinstance(values.get("nodes"), list)


def migrate_workflow(workflow: Mapping[str, Any], model: str = NANO) -> Migrated:
    """Return the workflow with the old nodes replaced; `workflow` stays as it is.

    A node that cannot be read stays, and is a finding.
    """
    result = copy.deepcopy(dict(workflow))
    definitions = (result.get("definitions") or {}).get("subgraphs") or []
    graphs = [result, *(one for one in definitions if isinstance(one.get("nodes"), list))]
    ids = Ids(graphs)
    findings: list[Finding] = []
    counts: dict[str, int] = defaultdict(int)
    widgets: dict[str, dict[tuple[str, str], tuple[str, str] | None]] = {}
    for graph in graphs:
        migration = _GraphMigration(UiGraph(graph, ids), model, findings, counts)
        widgets[str(graph.get("id", ""))] = migration.run()
    for graph in graphs:
        for node in graph["nodes"]:
            findings += _move_shown_widgets(node, widgets.get(str(node.get("type")), {}))
        _note_last_ids(graph, ids)
    findings += _group_nodes(result)
    return Migrated(result, dict(counts), findings)


def _note_last_ids(graph: dict[str, Any], ids: Ids) -> None:
    state = graph.get("state")
    for values, node_key, link_key in (
        (graph, "last_node_id", "last_link_id"),
        (state, "lastNodeId", "lastLinkId"),
    ):
        if isinstance(values, dict):
            if node_key in values:
                values[node_key] = ids.last_node
            if link_key in values:
                values[link_key] = ids.last_link


def _move_shown_widgets(
    node: dict[str, Any], moved: Mapping[tuple[str, str], tuple[str, str] | None]
) -> Iterator[Finding]:
    """Let a subgraph's node show the new widgets in place of the old ones."""
    shown = (node.get("properties") or {}).get("proxyWidgets")
    if not moved or not isinstance(shown, list):
        return
    kept = []
    for entry in shown:
        key = (str(entry[0]), str(entry[1])) if isinstance(entry, list) and len(entry) > 1 else None
        new = moved.get(key, key) if key else key
        if key and new is None:
            note = Note(f"its widget {key[1]} of node {key[0]} is no longer shown", is_lost=True)
            yield Finding(str(node.get("id")), str(node.get("title") or "subgraph"), note)
            continue
        kept.append([*new, *entry[2:]] if key and new and new != key else entry)
    node["properties"]["proxyWidgets"] = kept


def _group_nodes(workflow: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a finding for each old node in a group node in use, the predecessor of subgraphs."""
    groups = (workflow.get("extra") or {}).get("groupNodes") or {}
    in_use = {str(node.get("type")) for node in workflow["nodes"]}
    for name, group in groups.items():
        if not in_use & {f"workflow>{name}", f"workflow/{name}"}:
            continue
        for node in group.get("nodes") or ():
            if node.get("type") in OLD_NODES:
                text = "it stays as it is: convert the group node to nodes or to a subgraph first"
                yield Finding(f"group {name}", str(node["type"]), Note(text, is_lost=True))


class _GraphMigration:
    """Replaces the old nodes of one graph."""

    def __init__(
        self, graph: UiGraph, model: str, findings: list[Finding], counts: dict[str, int]
    ) -> None:
        self.graph = graph
        self.model = model
        self.findings = findings
        self.counts = counts

    def run(self) -> dict[tuple[str, str], tuple[str, str] | None]:
        """Replace all old nodes; return the new place of each of their widgets, None for a lost."""
        moved: dict[tuple[str, str], tuple[str, str] | None] = {}
        for place, node in enumerate(list(self.graph.nodes)):
            old = _old_node_of(node)
            if old is None:
                continue
            node_id, title = str(node["id"]), str(node.get("title") or old.class_type)
            try:
                values = self._values(old, node)
                made = made_for(old, values, self.model)
            except UnreadableNodeError as error:
                self.findings.append(Finding.unread(node_id, title, error))
                continue
            self.counts[old.class_type] += 1
            new_ids = self._replace(old, node, made, place)
            self._note_other_readers(old, new_ids, made)
            self.findings += [Finding(node_id, title, note) for note in made.notes]
            for name in (*old.inputs, "control_after_generate"):
                new = made.widgets.get(name)
                moved[node_id, name] = (str(new_ids[new[0]]), new[1]) if new else None
            if "seed" in old.inputs:
                moved[node_id, "control_after_generate"] = (node_id, "control_after_generate")
        return moved

    def _values(self, old: OldNode, node: Mapping[str, Any]) -> OldValues:
        saved, control = read_widgets(old, node.get("widgets_values"))
        given: dict[str, Any] = {name: one.default for name, one in old.inputs.items()} | saved
        for socket in node.get("inputs") or ():
            if socket.get("link") is not None and self.graph.origin(socket["link"]) is not None:
                given[socket["name"]] = Link(socket["link"], self._held_value(socket["link"]))
        for name in old.sockets:
            given.setdefault(name, None)
        outputs = node.get("outputs") or ()
        used = {name for name, one in zip(old.outputs, outputs, strict=False) if one.get("links")}
        return OldValues(given, used, in_page=True, control=control, saved=saved)

    def _held_value(self, link_id: Any) -> Any:
        """Return the value of the primitive node that a link begins at, None for other nodes."""
        origin = self.graph.origin(link_id)
        for _ in range(64):  # reroutes
            node = self.graph.node(origin.node) if origin else None
            if node is None:
                return None
            if node.get("type") == _PRIMITIVE:
                values = node.get("widgets_values") or [None]
                return values[0] if isinstance(values, list) else None
            inputs = node.get("inputs") or [{}]
            if node.get("type") != _REROUTE:
                return None
            origin = self.graph.origin(inputs[0].get("link"))
        return None

    def _replace(
        self, old: OldNode, node: dict[str, Any], made: Replacement, place: int
    ) -> dict[str, Any]:
        """Put the new nodes into the graph; return their ids by key."""
        new_ids = {
            key: node["id"] if key == MAIN else self.graph.ids.new_node() for key in made.nodes
        }
        old_links = {
            socket["name"]: socket["link"]
            for socket in node.get("inputs") or ()
            if socket.get("link") is not None
        }
        old_outputs = [list(one.get("links") or ()) for one in node.get("outputs") or ()]
        # 1) the nodes without links
        nodes = {key: _new_node(new, new_ids[key]) for key, new in made.nodes.items()}
        main = nodes[MAIN]
        self._take_place(node, main)
        self.graph.replace_node(place, main)
        for key, one in nodes.items():
            if key == MAIN:
                continue
            one |= {"order": node.get("order", 0), "mode": node.get("mode", 0)}
            one["pos"] = self._free_place(main, one["size"])
            self.graph.add_node(one)
        # 2) the old node's outputs
        for slot, links in enumerate(old_outputs):
            own = made.outputs.get(old.outputs[slot]) if slot < len(old.outputs) else None
            for link_id in links:
                if own is None:
                    self._drop_output(link_id, slot, made)
                    continue
                output = nodes[own.node]["outputs"][made.slot(own)]
                end = End(new_ids[own.node], made.slot(own))
                self.graph.reoriginate(link_id, end, output["type"])
                output["links"] = [*(output["links"] or ()), link_id]
        # 3) the old node's inputs: a link is moved once, and copied for other readers
        moved: set[Any] = set()
        for key, new in made.nodes.items():
            declared = node_types()[new.class_type].in_saved_order
            for slot, wanted in enumerate(declared):
                value = new.inputs.get(wanted.name)
                target = End(new_ids[key], slot)
                link_id = None
                if isinstance(value, Own):
                    origin = End(new_ids[value.node], made.slot(value))
                    link_id = self.graph.add_link(origin, target, wanted.type)
                elif isinstance(value, Link) and value.source not in moved:
                    link_id = value.source
                    moved.add(link_id)
                    self.graph.retarget(link_id, target)
                elif isinstance(value, Link):
                    again = self.graph.origin(value.source)
                    if again is not None:
                        link_id = self.graph.add_link(again, target, wanted.type)
                nodes[key]["inputs"][slot]["link"] = link_id
        for name, link_id in old_links.items():
            if link_id not in moved:
                if name not in old.inputs and name not in old.sockets:
                    made.lose(f"the link to {name} is removed: {old.class_type} has no such input")
                self.graph.remove_link(link_id)
        self._fill_linked_values(old, node, made, nodes)
        return new_ids

    def _take_place(self, node: Mapping[str, Any], main: dict[str, Any]) -> None:
        """Give the main node the place, title, colours and state of the old one."""
        size = main["size"]
        main |= {
            key: value
            for key, value in node.items()
            if key not in ("type", "inputs", "outputs", "widgets_values", "properties", "size")
        }
        properties = {
            key: value
            for key, value in (node.get("properties") or {}).items()
            if key not in _PACK_PROPERTIES
        }
        main["properties"] = {**properties, **main["properties"]}
        width, height = _pair(node.get("size"), size)
        main["size"] = [max(width, size[0]), max(height, size[1])]

    def _free_place(self, main: Mapping[str, Any], size: list[int]) -> list[float]:
        """Return a place left of the main node or below it that no node covers."""
        x, y = _pair(main.get("pos"), [0, 0])
        height = _pair(main.get("size"), [0, 0])[1]
        left = x - size[0] - _GAP
        places = [[left, y + step * _GAP] for step in range(int(height // _GAP) + 1)]
        places += [[x, y + height + (step + 2) * _GAP] for step in range(200)]
        boxes = [
            (*_pair(one.get("pos"), [0, 0]), *_pair(one.get("size"), [0, 0]))
            for one in self.graph.nodes
        ]
        for place in places:
            if not any(_overlap((*place, *size), box) for box in boxes):
                return place
        return places[-1]

    def _drop_output(self, link_id: Any, slot: int, made: Replacement) -> None:
        made.lose(f"the links of its output {slot} are removed: it has no equal")
        self.graph.remove_link(link_id)

    def _fill_linked_values(
        self,
        old: OldNode,
        node: Mapping[str, Any],
        made: Replacement,
        nodes: Mapping[str, dict[str, Any]],
    ) -> None:
        """Write the saved values behind links into the widgets, as the page does."""
        saved, _ = read_widgets(old, node.get("widgets_values"))
        by_link = {
            socket["link"]: saved.get(socket["name"])
            for socket in node.get("inputs") or ()
            if socket.get("link") is not None
        }
        for key, new in made.nodes.items():
            names = [name for name, _ in _widgets(new)]
            for name, value in new.inputs.items():
                if isinstance(value, Link) and name in names:
                    kept = by_link.get(value.source)
                    if kept is not None:
                        nodes[key]["widgets_values"][names.index(name)] = kept

    def _note_other_readers(
        self, old: OldNode, new_ids: Mapping[str, Any], made: Replacement
    ) -> None:
        """Remark on nodes of other kinds that read z-tipo's lists."""
        if old.class_type != "TIPOOperation":
            return
        main = self.graph.node(new_ids[MAIN]) or {}
        for output in main.get("outputs") or ():
            for link_id in output.get("links") or ():
                target = self.graph.target(link_id)
                reader = self.graph.node(target.node) if target else None
                kind = (reader or {}).get("type", "a subgraph's output")
                if kind not in ("TIPOFormat", "TipoFormat", "TipoFields", _REROUTE):
                    made.lose(f"{kind} reads z-tipo's list and now gets an expansion")


def _old_node_of(node: Mapping[str, Any]) -> OldNode | None:
    """Return the old node that a node of a workflow is, None for another node."""
    old = OLD_NODES.get(str(node.get("type")))
    if old is None:
        return None
    outputs = [one.get("name") for one in node.get("outputs") or ()]
    is_same = all(name in old.outputs for name in outputs)
    return old if is_same else None


def _widgets(new: NewNode) -> list[tuple[str, Any]]:
    """Return the saved widgets of a new node in their order, with the page's own after a seed."""
    found: list[tuple[str, Any]] = []
    for one in node_types()[new.class_type].inputs:
        if not one.is_widget:
            continue
        value = new.inputs.get(one.name, one.default)
        found.append((one.name, one.default if isinstance(value, (Link, Own)) else value))
        if one.has_control:
            found.append((f"{one.name}:control", new.control or "fixed"))
    return found


def _new_node(new: NewNode, node_id: Any) -> dict[str, Any]:
    """Return a node without links."""
    declared = node_types()[new.class_type]
    return {
        "id": node_id,
        "type": new.class_type,
        "pos": [0, 0],
        "size": list(_SIZES.get(new.class_type, _SMALL)),
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": [_socket(one) for one in declared.in_saved_order],
        "outputs": [
            {"name": one.name, "type": one.type, "links": None} for one in declared.outputs
        ],
        "properties": {"Node name for S&R": new.class_type},
        "widgets_values": [value for _, value in _widgets(new)],
    }


def _socket(one: NewInput) -> dict[str, Any]:
    socket: dict[str, Any] = {"name": one.name, "type": one.type}
    if one.is_optional:
        socket["shape"] = 7
    if one.is_widget:
        socket["widget"] = {"name": one.name}
    return {**socket, "link": None}


def _pair(value: Any, default: Any) -> tuple[float, float]:
    """Return a saved place or size: a list, or a mapping with the keys "0" and "1"."""
    if isinstance(value, dict):
        value = [value.get("0"), value.get("1")]
    if isinstance(value, list) and len(value) > 1:
        first, second = value[:2]
        if all(isinstance(one, (int, float)) for one in (first, second)):
            return first, second
    return default[0], default[1]


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    margin = _GAP / 2
    return (
        one[0] < other[0] + other[2] + margin
        and other[0] < one[0] + one[2] + margin
        and one[1] < other[1] + other[3] + margin
        and other[1] < one[1] + one[3] + margin
    )
