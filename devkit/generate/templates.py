"""The workflow templates: their files, and the API form made from the UI form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.messages import StepError
from devkit.server.graph_settings import widget_names
from devkit.server.websocket_client import Graph

CONVERT = "convert a template"
# Nodes of the page alone, unknown to the server.
NOTES = ("MarkdownNote", "Note")


@dataclass(frozen=True)
class Template:
    """A workflow that ComfyUI's template browser shows.

    The browser shows no other text for a pack's templates than the file's name, so `title` is the
    name in words: `Text to image.json` and `Text to image.jpg`.
    """

    workflows: Path
    title: str

    @property
    def name(self) -> str:
        """The name of the API form: `text-to-image`."""
        return self.title.lower().replace(" ", "-")

    @property
    def ui(self) -> Path:
        """The file that the page opens."""
        return self.workflows / f"{self.title}.json"

    @property
    def picture(self) -> Path:
        """The picture on the card."""
        return self.workflows / f"{self.title}.jpg"

    @property
    def api(self) -> Path:
        """The same graph for the server. ComfyUI does not list this folder."""
        return self.workflows / "api" / f"{self.name}.json"

    def read(self) -> dict[str, Any]:
        """Return the UI form."""
        workflow: dict[str, Any] = json.loads(self.ui.read_text("utf-8"))
        return workflow


def all_templates(root: Path) -> list[Template]:
    """Return the templates of a checkout, in the order of their titles."""
    workflows = root / "workflows"
    return [
        Template(workflows, path.stem)
        for path in sorted(workflows.glob("*.json"), key=lambda path: path.stem)
    ]


def template(root: Path, name: str) -> Template:
    """Return the template with the title or name `name`; raises StepError."""
    found = all_templates(root)
    for one in found:
        if name in (one.title, one.name):
            return one
    names = ", ".join(one.name for one in found)
    raise StepError(CONVERT, f"{name!r} is not a template", f"choose one of: {names}")


def api_form(workflow: Mapping[str, Any], object_info: Mapping[str, Any]) -> Graph:
    """Return the API form of a UI graph, as ComfyUI's Export (API) makes it.

    `object_info` is the server's. Raises StepError for subgraphs, reroutes, muted and bypassed
    nodes, which no template uses.
    """
    links = {link[0]: link for link in workflow["links"]}
    graph: Graph = {}
    for node in sorted(workflow["nodes"], key=lambda node: int(node["id"])):
        kind = node["type"]
        if kind in NOTES:
            continue
        if kind not in object_info:
            raise StepError(CONVERT, f"the server has no node {kind}", "use another node")
        if node.get("mode", 0) != 0:
            raise StepError(CONVERT, f"{kind} {node['id']} is muted or bypassed", "enable the node")
        graph[str(node["id"])] = {
            "class_type": kind,
            "inputs": _inputs(node, object_info[kind], links),
            "_meta": {"title": node.get("title") or object_info[kind]["display_name"]},
        }
    return graph


def _inputs(
    node: Mapping[str, Any], declaration: Mapping[str, Any], links: Mapping[int, Sequence[Any]]
) -> dict[str, Any]:
    """Return a node's values and links, in the order in which the node declares its inputs."""
    names, values = widget_names(declaration), node.get("widgets_values") or []
    if len(names) != len(values):
        raise StepError(
            CONVERT,
            f"{node['type']} {node['id']} stores {len(values)} widgets, the node has "
            f"{len(names)} ({', '.join(names)})",
            "open the template in ComfyUI and save it again",
        )
    found = {name: value for name, value in zip(names, values, strict=True) if ":" not in name}
    for socket in node.get("inputs", []):
        if socket.get("link") is not None:
            _, origin, slot, *_ = links[socket["link"]]
            found[socket["name"]] = [str(origin), slot]
    groups = ("required", "optional")
    order = [name for group in groups for name in declaration["input"].get(group, {})]
    return {name: found[name] for name in order if name in found}


def as_text(graph: Graph) -> str:
    """Return the text of an API form's file."""
    return json.dumps(graph, ensure_ascii=False, indent=2) + "\n"
