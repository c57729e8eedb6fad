"""Workflows in UI form: the old nodes replaced in each graph, subgraphs included."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from ..lm.hub.catalog import NANO
from .json_shapes import is_id, object_at, objects
from .migrated import Finding, Migrated, made_for
from .new_nodes import NewInput, node_types
from .old_nodes import CONTROL, OLD_NODES, OldNode, UnreadableNodeError, read_widgets
from .placement import free_place, size_of, take_place
from .replacement import MAIN, Link, NewNode, Note, OldValues, Own, Replacement
from .shown_widgets import ShownWidgets, Widget
from .ui_graph import End, Ids, UiGraph

_PRIMITIVE = "PrimitiveNode"
_REROUTE = "Reroute"


def is_ui_workflow(values: object) -> bool:
    """Whether a JSON value is a workflow in UI form."""
    return isinstance(values, dict) and isinstance(values.get("nodes"), list)


def migrate_workflow(workflow: Mapping[str, Any], model: str = NANO) -> Migrated:
    """Return the workflow with the old nodes replaced; `workflow` stays as it is.

    A node that cannot be read stays, and is a finding.
    """
    result = copy.deepcopy(dict(workflow))
    subgraphs = objects(object_at(result, "definitions").get("subgraphs"))
    graphs = [result, *(one for one in subgraphs if isinstance(one.get("nodes"), list))]
    ids = Ids(graphs)
    findings: list[Finding] = []
    counts: dict[str, int] = defaultdict(int)
    moved: dict[str, dict[Widget, Widget | None]] = {}
    for graph in graphs:
        migration = _GraphMigration(UiGraph(graph, ids), model, findings, counts)
        moved[str(graph.get("id", ""))] = migration.run()
    findings += ShownWidgets(result, moved, str(result.get("id", ""))).move(graphs)
    if counts:
        for graph in graphs:
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


def _group_nodes(workflow: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a finding for each old node in a group node in use, the predecessor of subgraphs."""
    groups = object_at(object_at(workflow, "extra"), "groupNodes")
    in_use = {str(node.get("type")) for node in objects(workflow["nodes"])}
    for name in groups:
        if not in_use & {f"workflow>{name}", f"workflow/{name}"}:
            continue
        for node in objects(object_at(groups, name).get("nodes")):
            if str(node.get("type")) in OLD_NODES:
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

    def run(self) -> dict[Widget, Widget | None]:
        """Replace all old nodes; return the new place of each of their widgets, None for a lost."""
        moved: dict[Widget, Widget | None] = {}
        for place, node in enumerate(list(self.graph.nodes)):
            kind = node.get("type") if isinstance(node, dict) else None
            old = OLD_NODES.get(kind) if isinstance(kind, str) else None
            if old is None:
                continue
            node_id, title = str(node.get("id")), str(node.get("title") or old.class_type)
            try:
                _check_node(old, node)
                values = self._values(old, node)
                made = made_for(old, values, self.model)
            except UnreadableNodeError as error:
                self.findings.append(Finding.unread(node_id, title, error))
                continue
            self.counts[old.class_type] += 1
            new_ids = self._replace(old, node, made, place)
            self._note_other_readers(old, new_ids, made)
            self.findings += [Finding(node_id, title, note) for note in made.notes]
            for name in (*old.inputs, CONTROL):
                new = made.widgets.get(name)
                target = Widget(str(new_ids[new[0]]), new[1]) if new else None
                moved[Widget(node_id, name)] = target
            if "seed" in old.inputs:
                moved[Widget(node_id, CONTROL)] = Widget(node_id, CONTROL)
        return moved

    def _values(self, old: OldNode, node: Mapping[str, Any]) -> OldValues:
        saved, control = read_widgets(old, node.get("widgets_values"))
        given: dict[str, Any] = {name: one.default for name, one in old.inputs.items()} | saved
        for name, link_id in self._old_links(node).items():
            held = self._held_value(link_id)
            is_read = name in old.inputs and old.inputs[name].fits(held)
            given[name] = Link(link_id, held if is_read else None)
        for name in old.sockets:
            given.setdefault(name, None)
        slots = self.graph.links_from(node)
        used = {name for slot, name in enumerate(old.outputs) if slot in slots}
        return OldValues(given, used, in_page=True, control=control, saved=saved)

    def _old_links(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """Return the links of the node's inputs by name; unknown links are left out."""
        return {
            socket["name"]: socket["link"]
            for socket in objects(node.get("inputs"))
            if isinstance(socket.get("name"), str) and self.graph.origin(socket.get("link"))
        }

    def _held_value(self, link_id: Any) -> Any:
        """Return the value of the primitive node that a link begins at, None for other nodes."""
        origin = self.graph.origin(link_id)
        for _ in range(64):  # reroutes
            node = self.graph.node(origin.node) if origin else None
            if node is None:
                return None
            if node.get("type") == _PRIMITIVE:
                values = node.get("widgets_values")
                return values[0] if isinstance(values, list) and values else None
            inputs = objects(node.get("inputs"))
            if node.get("type") != _REROUTE or not inputs:
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
        old_links = self._old_links(node)
        old_outputs = self.graph.links_from(node)
        own_links = self.graph.links_to(node)
        # 1) the nodes without links
        nodes = {key: _new_node(new, new_ids[key]) for key, new in made.nodes.items()}
        main = nodes[MAIN]
        take_place(node, main)
        self.graph.replace_node(place, main)
        for key, one in nodes.items():
            if key == MAIN:
                continue
            one |= {"order": node.get("order", 0), "mode": node.get("mode", 0)}
            one["pos"] = free_place(self.graph.nodes, main, one["size"])
            self.graph.add_node(one)
        # 2) the old node's outputs
        for slot, links in old_outputs.items():
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
                elif isinstance(value, Link) and value.source in own_links - moved:
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
                if link_id in own_links:
                    self.graph.remove_link(link_id)
        for link_id in own_links.difference(old_links.values()):
            made.lose("a link that ends at it, but at none of its inputs, is removed")
            self.graph.remove_link(link_id)
        self._fill_linked_values(old, node, made, nodes)
        return new_ids

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
        by_link = {link: saved.get(name) for name, link in self._old_links(node).items()}
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


def _check_node(old: OldNode, node: Mapping[str, Any]) -> None:
    """Raise UnreadableNodeError for a node without an id, or of another pack.

    A node that shares the name alone has other outputs: none has the name of an old output, and
    their types or its saved values do not fit either.
    """
    if not is_id(node.get("id")):
        raise UnreadableNodeError("it has no id")
    outputs = objects(node.get("outputs"))
    names = [str(one.get("name")) for one in outputs]
    if not names or any(name in old.outputs for name in names):
        return
    is_same_type = all(one.get("type") in ("STRING", "LIST") for one in outputs)
    # One text fits by chance.
    if is_same_type and len(old.inputs) > 1 and node.get("widgets_values"):
        read_widgets(old, node["widgets_values"])
        return
    raise UnreadableNodeError(f"{old.pack}'s has no output named {' or '.join(names)}")


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
        "size": size_of(new.class_type),
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
