"""Files generated from the nodes' schemas, and checks that they are up to date."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.generate.migration_nodes import NODES, declared_nodes
from devkit.generate.prompt_to_picture import prompt_to_picture, workflow_text
from devkit.generate.templates import all_templates, api_form, as_text
from devkit.messages import StepError

TABLE = "write the table of nodes"  # the step that errors name
# Pages with a table of nodes between the two markers.
PAGES = ("README.md",)
BEGIN, END = "<!-- nodes -->", "<!-- /nodes -->"
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
    """Yield the app, the blueprint, the table for migrations, API forms and pages with tables.

    `object_info` is the answer of a server that has loaded the pack.
    """
    for path, workflow in prompt_to_picture(root, object_info).items():
        yield Derived(path, workflow_text(workflow))
    if any(name in object_info for name in NODES):
        table = root / "tipo_core" / "assets" / "migrate" / "nodes.json"
        yield Derived(table, declared_nodes(object_info))
    for template in all_templates(root):
        yield Derived(template.api, as_text(api_form(template.read(), object_info)))
    rows = node_table(object_info)
    for name in PAGES:
        path = root / name
        yield Derived(path, with_table(path.read_text("utf-8"), rows, name))


def stale_files(root: Path, object_info: ObjectInfo) -> list[Path]:
    """Return the files that `dev.py generate` would change, relative to the root."""
    files = derived_files(root, object_info)
    return [file.path.relative_to(root) for file in files if file.is_stale]


def node_table(object_info: ObjectInfo) -> str:
    """Return a Markdown table of the display names and the first sentences of descriptions.

    Deprecated nodes are left out.
    """
    lines = ["| node | description |", "|---|---|"]
    for name, node in object_info.items():
        if name.startswith(OWN_PREFIX) and not node.get("deprecated"):
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
