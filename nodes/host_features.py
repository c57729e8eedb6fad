"""What newer ComfyUI takes in a node's declaration, given where this one has it (0.3.75 to 0.33).

Feature tests of the host for declarations stand in this file alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
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
    """Return the declaration of a node; what this ComfyUI does not know is left out.

    `search_aliases` are other words that find the node, `advanced` the ids of the inputs that
    stay folded, `essentials_category` its shelf in the menu of essentials. A node with
    `is_text_node` is there for the text that it shows, one with `shows_report` shows one beside its
    work: ComfyUI keeps the text and sends it again for an unchanged node. Older cores do so for
    output nodes alone. A text node is one there; so a graph with a mistake elsewhere is refused in
    part only (web/node_errors.js shows it). Raises ValueError for an unknown advanced input.
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
            raise ValueError(f"{declared['node_id']} has no input {name!r} to fold")
        if hasattr(by_id[name], "advanced"):
            by_id[name].advanced = True
    return io.Schema(inputs=list(inputs), **known, **declared)
