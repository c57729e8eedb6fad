"""Files generated from the nodes' schemas, and checks that they are up to date."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.generate.templates import all_templates, api_form, as_text
from devkit.messages import StepError
from devkit.server.graph_settings import combo_options, widget_names
from tipo_core.migrate.new_nodes import TABLE as NODE_FORMS

TABLE = "write the table of nodes"  # the step that errors name
# Pages with a table of nodes between the two markers.
PAGES = ("README.md",)
BEGIN, END = "<!-- nodes -->", "<!-- /nodes -->"
# Nodes that a migrated workflow may have.
MIGRATION_NODES = (
    *("TipoLoadModel", "TipoExpand", "TipoTask", "TipoOptions", "TipoBans", "TipoMetadata"),
    *("TipoFormat", "StringConcatenate"),
)
OWN_PREFIX = "Tipo"  # of the pack's node ids
TRANSLATION = Path("locales", "zh", "nodeDefs.json")

_SENTENCE_END = re.compile(r"(?<=[.!?])\s")

ObjectInfo = Mapping[str, Any]


@dataclass(frozen=True)
class Derived:
    """A file and the text that it should have."""

    path: Path
    text: str

    @property
    def is_stale(self) -> bool:
        """Whether the file is missing or has another text."""
        return not self.path.exists() or self.path.read_text("utf-8") != self.text

    def write(self) -> None:
        """Write the text with line feeds alone, on every system."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.text, encoding="utf-8", newline="\n")


def derived_files(root: Path, object_info: ObjectInfo) -> Iterator[Derived]:
    """Yield the table of nodes for migrations, the API form of each template, and each page.

    `object_info` is the answer of a server that has loaded the pack.
    """
    yield Derived(root / NODE_FORMS.relative_to(Path(__file__).parents[2]), node_forms(object_info))
    for template in all_templates(root):
        yield Derived(template.api, as_text(api_form(template.read(), object_info)))
    table = node_table(object_info)
    for name in PAGES:
        path = root / name
        yield Derived(path, with_table(path.read_text("utf-8"), table, name))


def node_forms(object_info: ObjectInfo) -> str:
    """Return the table of `tipo_core.migrate.new_nodes`: inputs and outputs of the nodes it uses.

    The default of a menu is its declared one, else its first choice.
    """
    table = {}
    for name in MIGRATION_NODES:
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


def stale_files(root: Path, object_info: ObjectInfo) -> list[Path]:
    """Return the files that `dev.py generate` would change, relative to the root."""
    files = derived_files(root, object_info)
    return [file.path.relative_to(root) for file in files if file.is_stale]


def node_table(object_info: ObjectInfo) -> str:
    """Return a Markdown table of the display names and the first sentences of descriptions."""
    lines = ["| node | description |", "|---|---|"]
    for name, node in object_info.items():
        if name.startswith(OWN_PREFIX):
            sentence = _SENTENCE_END.split(str(node["description"]).strip(), maxsplit=1)[0]
            cell = sentence.rstrip(".").replace("|", "\\|").replace("<", "&lt;")
            lines.append(f"| {node['display_name']} | {cell} |")
    return "\n".join(lines)


def with_table(page: str, table: str, name: str) -> str:
    """Return the page with the table between its markers; raises StepError without a marker."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise StepError(
            TABLE, f"{name} lacks {BEGIN} or {END}", f"put {BEGIN} and {END} around the table"
        )
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def translation_problems(root: Path, object_info: ObjectInfo) -> list[str]:
    """Return the problems of the Chinese translation: missing keys, then unknown keys."""
    found = set(_keys(json.loads((root / TRANSLATION).read_text("utf-8"))))
    wanted = {
        key
        for name, node in object_info.items()
        if name.startswith(OWN_PREFIX)
        for key in _keys({name: translated_texts(node)})
    }
    return [f"{TRANSLATION.as_posix()} lacks {key}" for key in sorted(wanted - found)] + [
        f"{TRANSLATION.as_posix()} has {key}, which no node has" for key in sorted(found - wanted)
    ]


def translated_texts(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry that nodeDefs.json has for a node, with the schema's English texts."""
    inputs = {
        name: {"name": name, "tooltip": spec[1].get("tooltip", "")}
        for group in ("required", "optional")
        for name, spec in node["input"].get(group, {}).items()
    }
    outputs = zip(node["output_name"], node["output_tooltips"] or [], strict=False)
    named = {str(slot): {"name": name, "tooltip": tip} for slot, (name, tip) in enumerate(outputs)}
    entry = {"display_name": node["display_name"], "description": node["description"]}
    return {**entry, "inputs": inputs, **({"outputs": named} if named else {})}


def _keys(value: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted path of each text."""
    if not isinstance(value, dict):
        yield path
        return
    for key, inner in value.items():
        yield from _keys(inner, f"{path}.{key}" if path else key)
