"""Widgets that a workflow names outside their node: shown by a subgraph, an app form, favourites.

| where | form |
|---|---|
| `properties.proxyWidgets` of a subgraph's node | `[["4", "width"], ...]` |
| `widgets` of a subgraph | `[{"id": 4, "name": "width"}, ...]` |
| `extra.linearData.inputs`, the app form | `[[4, "width"], ...]` |
| `extra.favoritedWidgets.favorites` | `[{"nodeLocatorId": "4", "widgetName": "width"}, ...]` |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from .json_shapes import is_id, object_at, objects
from .migrated import Finding
from .replacement import Note

# The id of a node in a subgraph: `SUBGRAPH:4` in favourites, `8:4` by the nodes that hold it.
_PATH = re.compile(r"(.*):([^:]*)\Z", re.DOTALL)
# A widget that a subgraph's node shows, in the versions that name it after its node.
_SHOWN_NAME = re.compile(r"(-?\d{1,20}): (.*)\Z", re.DOTALL)


class Widget(NamedTuple):
    """A widget of a node: the id of the node as text, the name of its input."""

    node: str
    name: str


# The new place of each widget of a graph's old nodes, None for a lost one.
Moved = Mapping[Widget, Widget | None]


class ShownWidgets:
    """The widgets of a workflow's old nodes, by graph, and their new places.

    `moved` has the graphs by id. `root` is the id of the workflow itself.
    """

    def __init__(self, workflow: dict[str, Any], moved: Mapping[str, Moved], root: str) -> None:
        self.workflow = workflow
        self.moved = moved
        self.root = root
        self.types = {
            str(node.get("id")): str(node.get("type")) for node in objects(workflow["nodes"])
        }

    def move(self, graphs: list[dict[str, Any]]) -> Iterator[Finding]:
        """Write the new places; yield a finding for each widget that is no longer shown."""
        if not any(self.moved.values()):
            return
        for graph in graphs:
            for node in objects(graph["nodes"]):
                yield from self._subgraph_node(node)
        for graph in graphs[1:]:
            inside = self.moved.get(str(graph.get("id", "")), {})
            title = f"subgraph {graph.get('name') or graph.get('id')}"
            yield from _rewrite(graph, "widgets", _named_by("id", "name"), inside.get, title)
        extra = object_at(self.workflow, "extra")
        form = object_at(extra, "linearData")
        yield from _rewrite(form, "inputs", _listed, self._place, "app form")
        favourites = object_at(extra, "favoritedWidgets")
        keys = _named_by("nodeLocatorId", "widgetName")
        yield from _rewrite(favourites, "favorites", keys, self._place, "favourites")

    def _subgraph_node(self, node: dict[str, Any]) -> Iterator[Finding]:
        inside = self.moved.get(str(node.get("type")), {})
        properties = object_at(node, "properties")
        title, node_id = str(node.get("title") or "subgraph"), str(node.get("id"))
        if inside:
            yield from _rewrite(properties, "proxyWidgets", _listed, inside.get, title, node_id)

    def _place(self, old: Widget, default: Widget) -> Widget | None:
        """Return the new place of a widget that the whole workflow names."""
        at_root = self.moved.get(self.root, {})
        if old in at_root:
            return at_root[old]
        path, shown = _PATH.match(old.node), _SHOWN_NAME.match(old.name)
        if path:
            holder, inner = path[1], Widget(path[2], old.name)
            kind = self.types.get(holder, holder)
            graphs = [self.moved.get(kind, {})] if kind in self.moved else self.moved.values()
            for graph in graphs:
                if inner in graph:
                    new = graph[inner]
                    return new and Widget(f"{holder}:{new.node}", new.name)
            return default
        inside = self.moved.get(self.types.get(old.node, ""), {})
        if shown and inside:
            new = inside.get(Widget(shown[1], shown[2]), Widget(shown[1], shown[2]))
            return new and Widget(old.node, f"{new.node}: {new.name}")
        # The id of a node in a subgraph alone: ids of newer workflows differ in all their graphs.
        if old.node not in self.types:
            for graph in self.moved.values():
                if old in graph:
                    return graph[old]
        return default


class _Form(NamedTuple):
    """How an entry names a widget: reading it, and writing another one."""

    read: Callable[[Any], Widget | None]
    write: Callable[[Any, Widget], Any]


def _read_pair(entry: Any) -> Widget | None:
    is_pair = isinstance(entry, list) and len(entry) > 1 and is_id(entry[0])
    return Widget(str(entry[0]), entry[1]) if is_pair and isinstance(entry[1], str) else None


_listed = _Form(_read_pair, lambda entry, new: [_like(entry[0], new.node), new.name, *entry[2:]])


def _named_by(node: str, name: str) -> _Form:
    def read(entry: Any) -> Widget | None:
        if not isinstance(entry, dict) or not is_id(entry.get(node)):
            return None
        return Widget(str(entry[node]), entry[name]) if isinstance(entry.get(name), str) else None

    return _Form(
        read, lambda entry, new: {**entry, node: _like(entry[node], new.node), name: new.name}
    )


def _like(old: Any, new: str) -> Any:
    """Return an id in the type of the old one."""
    return int(new) if isinstance(old, int) and new.isdecimal() else new


def _rewrite(
    holder: dict[str, Any],
    key: str,
    form: _Form,
    place: Callable[[Widget, Widget], Widget | None],
    title: str,
    node_id: str = "",
) -> Iterator[Finding]:
    """Rewrite the entries of a list in `holder`."""
    entries = holder.get(key)
    if not isinstance(entries, list):
        return
    kept = []
    for entry in entries:
        old = form.read(entry)
        new = place(old, old) if old else None
        if old and new is None:
            note = Note(f"its widget {old.name} of node {old.node} is no longer shown", True)
            yield Finding(node_id or old.node, title, note)
            continue
        kept.append(entry if new is None or new == old else form.write(entry, new))
    holder[key] = kept
