"""Graphs in API form: the old nodes replaced, all other nodes as they are."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from ..lm.hub.catalog import NANO
from .json_shapes import is_id, object_at
from .migrated import Finding, Migrated, made_for
from .old_nodes import OLD_NODES, OldNode, UnreadableNodeError
from .replacement import MAIN, Link, OldValues, Own, Replacement


def is_api_prompt(values: object) -> bool:
    """Whether a JSON value is a graph in API form; an entry that is no node does not count."""
    return isinstance(values, dict) and any(map(_class_type, values.values()))


def _class_type(node: object) -> str | None:
    kind = node.get("class_type") if isinstance(node, Mapping) else None
    return kind if isinstance(kind, str) else None


def migrate_prompt(graph: Mapping[str, Any], model: str = NANO) -> Migrated:
    """Return the graph with the old nodes replaced; `graph` stays as it is.

    A node that cannot be read stays, and is a finding.
    """
    used = _used_outputs(graph)
    replacements: dict[str, Replacement] = {}
    findings: list[Finding] = []
    counts: dict[str, int] = defaultdict(int)
    for node_id, node in graph.items():
        old = OLD_NODES.get(_class_type(node) or "")
        if old is None:
            continue
        title = _title(node, old)
        try:
            given = _given(old, node)
            made = made_for(old, _values(old, given, used[node_id]), model)
        except UnreadableNodeError as error:
            findings.append(Finding.unread(node_id, title, error))
            continue
        counts[old.class_type] += 1
        replacements[node_id] = made
        for name in given:
            if name not in old.inputs and name not in old.sockets:
                made.lose(f"the input {name} is removed: {old.class_type} has no such input")
        findings += [Finding(node_id, title, note) for note in made.notes]
    ids = _new_ids(graph, replacements)
    result: dict[str, Any] = {}
    for node_id, node in graph.items():
        replaced = replacements.get(node_id)
        if replaced is None:
            inputs = node.get("inputs") if isinstance(node, dict) else None
            if isinstance(inputs, dict):
                inputs = {
                    name: _relinked(value, graph, replacements, ids)
                    for name, value in inputs.items()
                }
                node = {**node, "inputs": inputs}
            result[node_id] = node
            continue
        for key, new in replaced.nodes.items():
            inputs = {}
            for name, value in new.all_inputs().items():
                if isinstance(value, Own):
                    inputs[name] = [ids[node_id, value.node], replaced.slot(value)]
                else:
                    inputs[name] = _relinked(value, graph, replacements, ids)
            kept = node if key == MAIN else {}
            result[ids[node_id, key]] = {**kept, "class_type": new.class_type, "inputs": inputs}
    return Migrated(result, dict(counts), findings)


def _given(old: OldNode, node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the inputs of an old node. Raises UnreadableNodeError for a node of another pack."""
    given = node.get("inputs")
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise UnreadableNodeError(f"its inputs are {_shown(given)}, not an object with names")
    known = {*old.inputs, *old.sockets}
    if given and not any(name in old.marks for name in given) and not known.issuperset(given):
        names = " or ".join(name for name in given if name not in known)
        raise UnreadableNodeError(f"{old.pack}'s has no input {names}")
    return given


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _title(node: Mapping[str, Any], old: OldNode) -> str:
    return str(object_at(node, "_meta").get("title") or old.class_type)


def _values(old: OldNode, inputs: Mapping[str, Any], used: set[int]) -> OldValues:
    given: dict[str, Any] = dict.fromkeys(old.sockets)
    given |= {name: one.default for name, one in old.inputs.items()}
    for name, value in inputs.items():
        if _is_link(value):
            given[name] = Link((str(value[0]), value[1]))
        elif name in old.inputs:
            if not old.inputs[name].fits(value):
                shown = _shown(value)
                raise UnreadableNodeError(f"{name} is {shown}, which {old.pack} does not have")
            given[name] = value
        elif name in old.sockets:
            raise UnreadableNodeError(f"{name} is {_shown(value)}, not a link")
    names = {old.outputs[slot] for slot in used if slot < len(old.outputs)}
    return OldValues(given, names, in_page=False)


def _is_link(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 2 or not all(map(is_id, value)):
        return False
    return isinstance(value[1], int) and value[1] >= 0


def _used_outputs(graph: Mapping[str, Any]) -> dict[str, set[int]]:
    used: dict[str, set[int]] = defaultdict(set)
    for node in graph.values():
        for value in object_at(node, "inputs").values():
            if _is_link(value):
                used[str(value[0])].add(value[1])
    return used


def _new_ids(
    graph: Mapping[str, Any], replacements: Mapping[str, Replacement]
) -> dict[tuple[str, str], str]:
    """Return the id of each new node: the old node's id for the main one, else a free number."""
    numbers = (int(part) for key in graph for part in re.findall(r"\d+", key)[:8] if len(part) < 16)
    free = max(numbers, default=0) + 1
    ids: dict[tuple[str, str], str] = {}
    for node_id, made in replacements.items():
        for key in made.nodes:
            if key == MAIN:
                ids[node_id, key] = node_id
            else:
                ids[node_id, key] = str(free)
                free += 1
    return ids


def _relinked(
    value: Any,
    graph: Mapping[str, Any],
    replacements: Mapping[str, Replacement],
    ids: Mapping[tuple[str, str], str],
) -> Any:
    """Return a value; a link to an old node leads to the output with its meaning."""
    if isinstance(value, Link):
        origin, slot = value.source
    elif _is_link(value):
        origin, slot = str(value[0]), value[1]
    else:
        return value
    made = replacements.get(origin)
    if made is None:
        return list(value.source) if isinstance(value, Link) else value
    names = OLD_NODES[graph[origin]["class_type"]].outputs
    own = made.outputs.get(names[slot]) if slot < len(names) else None
    return [ids[origin, own.node], made.slot(own)] if own else [origin, slot]
