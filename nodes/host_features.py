"""Declarations of nodes with the fields of newer ComfyUI versions, if this one has them.

This is the only file that tests the host (0.3.75 to 0.33) for features of declarations.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from comfy_api.latest import io

_FIELDS = {field.name for field in dataclasses.fields(io.Schema)}


def schema(
    *,
    inputs: Sequence[io.Input],
    search_aliases: Sequence[str],
    advanced: Sequence[str] = (),
    essentials_category: str | None = None,
    is_text_node: bool = False,
    shows_report: bool = False,
    **declared: Any,
) -> io.Schema:
    """Return the declaration of a node; fields that this ComfyUI does not have are left out.

    `search_aliases` are other words that find the node, `advanced` the ids of the inputs that are
    folded by default, `essentials_category` its place in the menu of essentials. `is_text_node`
    marks a node whose purpose is the text it shows, `shows_report` a node that shows a text beside
    its work: newer ComfyUI keeps the text of both and sends it again for an unchanged node. Older
    ComfyUI does this for output nodes only, so a text node is an output node there; a graph with an
    error in another node is then refused in part only (web/node_errors.js shows the error). Raises
    ValueError for an unknown advanced input.
    """
    newer = {
        "search_aliases": list(search_aliases),
        "essentials_category": essentials_category,
        "has_intermediate_output": is_text_node or shows_report,
    }
    known = {name: value for name, value in newer.items() if name in _FIELDS}
    if is_text_node and "has_intermediate_output" not in _FIELDS:
        known["is_output_node"] = True
    by_id = {one.id: one for one in inputs}
    for name in advanced:
        if name not in by_id:
            raise ValueError(f"{declared['node_id']} has no input {name!r} that could be advanced")
        if hasattr(by_id[name], "advanced"):
            by_id[name].advanced = True
    return io.Schema(inputs=list(inputs), **known, **declared)


async def register_replacements(replacements: Sequence[Mapping[str, Any]]) -> None:
    """Register the arguments of `io.NodeReplace` with a ComfyUI that replaces missing nodes."""
    if not hasattr(io, "NodeReplace"):
        return
    api = importlib.import_module("comfy_api.latest").ComfyAPI()
    for one in replacements:
        await api.node_replacement.register(io.NodeReplace(**one))
