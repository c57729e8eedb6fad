"""A migrated workflow in API form, read as the page reads it: values by position, links by id."""

from __future__ import annotations

from typing import Any

from tests.unit.migrate.old_graphs import WIDGETS
from tipo_core.migrate.new_nodes import node_types


def widget_order(kind: str) -> list[str]:
    """Return the saved widgets of a node, with a name for the page's own ones."""
    if kind in node_types():
        names = []
        for one in node_types()[kind].inputs:
            if one.is_widget:
                names += [one.name, *(["(control)"] if one.has_control else [])]
        return names
    return [
        name for one in WIDGETS[kind] for name in ([one, "(control)"] if one == "seed" else [one])
    ]


def flat(workflow: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the nodes of one graph by id: type and inputs. Checks that its links are whole."""
    links = {}
    for link in workflow["links"]:
        values = list(link.values()) if isinstance(link, dict) else link
        assert values[0] not in links, "two links have one id"
        links[values[0]] = values
    nodes = {str(node["id"]): node for node in workflow["nodes"]}
    assert len(nodes) == len(workflow["nodes"]), "two nodes have one id"
    result: dict[str, dict[str, Any]] = {}
    seen = set()
    for key, node in nodes.items():
        names = widget_order(node["type"])
        assert len(names) == len(node["widgets_values"]), node
        values = dict(zip(names, node["widgets_values"], strict=True))
        inputs = {name: value for name, value in values.items() if name != "(control)"}
        for slot, socket in enumerate(node.get("inputs", [])):
            link = socket.get("link")
            if link is None:
                continue
            _, origin, origin_slot, target, target_slot, type_ = links[link]
            assert (str(target), target_slot) == (key, slot), "a link ends at another input"
            output = nodes[str(origin)]["outputs"][origin_slot]
            assert link in output["links"], "an output does not list its link"
            assert type_ == output["type"], "a link has another type than its output"
            inputs[socket["name"]] = [str(origin), origin_slot]
            seen.add(link)
        result[key] = {"class_type": node["type"], "inputs": inputs}
    for node in nodes.values():
        for output in node["outputs"]:
            assert set(output["links"] or ()) <= set(links), "an output lists a missing link"
    assert seen == set(links), "a link ends nowhere"
    assert workflow["last_node_id"] >= max(map(int, nodes))
    assert workflow["last_link_id"] >= max(links, default=0)
    return result
