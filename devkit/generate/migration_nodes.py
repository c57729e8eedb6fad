"""The table of nodes that migrated workflows have, from the nodes' schemas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from devkit.server.graph_settings import combo_options, widget_names

# Nodes that a migrated workflow may have.
NODES = (
    *("TipoLoadModel", "TipoExpand", "TipoTask", "TipoOptions", "TipoBans", "TipoMetadata"),
    *("TipoFormat", "StringConcatenate"),
)


def declared_nodes(object_info: Mapping[str, Any]) -> str:
    """Return the table of `tipo_core.migrate.new_nodes`: inputs and outputs of the nodes it uses.

    The default of a menu is its declared one, else its first choice.
    """
    table = {}
    for name in (one for one in NODES if one in object_info):
        node = object_info[name]
        widgets = widget_names(node)
        inputs = []
        for group in ("required", "optional"):
            for key, spec in node["input"].get(group, {}).items():
                extra = spec[1] if len(spec) > 1 else {}
                kind = "COMBO" if isinstance(spec[0], list) else spec[0]
                is_widget = key in widgets
                default = extra.get("default", "" if kind == "STRING" else None)
                if is_widget and default is None:
                    default = combo_options(spec)[0]
                has_control = f"{key}:control_after_generate" in widgets
                inputs.append([key, kind, is_widget, group == "optional", default, has_control])
        outputs = zip(node["output_name"], node["output"], strict=True)
        table[name] = {"inputs": inputs, "outputs": [list(one) for one in outputs]}
    rows = [
        f'"{name}": {{\n'
        + ",\n".join(
            f'"{key}": [\n'
            + ",\n".join(json.dumps(one, ensure_ascii=False) for one in node[key])
            + "\n]"
            for key in ("inputs", "outputs")
        )
        + "\n}"
        for name, node in table.items()
    ]
    return "{\n" + ",\n".join(rows) + "\n}\n"
