"""The two arms: a workflow that draws a prompt as TIPO expands it, and one that draws it as is."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...comfy_api.api_graph import GraphError, load_graph, nodes_of_type, resolve
from ...comfy_api.http_client import Graph
from ...prompt.syntax.parse import parse

PLAIN, EXPANDED = "plain", "expanded"
ARMS = (PLAIN, EXPANDED)
WORKFLOW = Path(__file__).parents[3] / "workflows" / "api" / "text-to-image.json"
# What the published pictures were drawn with: see docs/evaluation.md.
PUBLISHED = {
    ("EmptyLatentImage", "width"): 1024,
    ("EmptyLatentImage", "height"): 1024,
    ("TipoExpand", "tag_length"): "long",
    ("TipoExpand", "caption_length"): "long",
    ("TipoSampler", "steps"): 16,
    ("TipoSampler", "cfg"): 3.0,
    ("TipoSampler", "sampler_name"): "dpmpp_2m_sde",
    ("TipoSampler", "scheduler"): "exponential",
}
# Tags and a caption for a model of tags; the caption alone for one of captions.
_TAGS_TEMPLATE = (
    "<|special|>, <|characters|>, <|copyrights|>, <|artist|>, <|general|>, <|extended|>. "
    "<|quality|>, <|meta|>, <|rating|>"
)
_CAPTION_TEMPLATE = "<|extended|>"
# The node types that expand, and their outputs of text, by the keys of what they report.
_OUTPUTS = {
    "TipoExpand": ("prompt", "tags", "caption", "added"),
    "TipoTask": ("tags", "short", "long", "added"),
}
_FIELDS = {"TipoExpand": ("tags", "caption"), "TipoTask": ("tags", "short", "long")}
_SEEDS = ("seed", "noise_seed")


def published_workflow(field: str) -> Graph:
    """Return the pack's text-to-image graph with the published settings, for prompts in `field`.

    It keeps no picture in the server's output folder.
    """
    graph = load_graph(WORKFLOW)
    for (class_type, name), value in PUBLISHED.items():
        for node_id in nodes_of_type(graph, class_type):
            graph[node_id]["inputs"][name] = value
    (expand,) = nodes_of_type(graph, "TipoExpand")
    template = _TAGS_TEMPLATE if field == "tags" else _CAPTION_TEMPLATE
    graph[expand]["inputs"]["template"] = template
    (positive,) = (
        node["inputs"]["positive"][0]
        for node in graph.values()
        if node["class_type"] == "TipoSampler"
    )
    for node_id in nodes_of_type(graph, "TipoClipSkipEncode"):
        if node_id != positive:
            graph[node_id]["inputs"]["text"] = ""
    (save,) = nodes_of_type(graph, "TipoSaveImage")
    images = graph[save]["inputs"]["images"]
    graph[save] = {
        "class_type": "PreviewImage",
        "inputs": {"images": images},
        "_meta": {"title": "Preview Image"},
    }
    return graph


@dataclass(frozen=True)
class Arms:
    """A workflow whose node `expander` takes each prompt into its input `field`."""

    graph: Graph
    expander: str
    field: str

    @classmethod
    def of(cls, graph: Graph, field: str, expander: str | None = None) -> Arms:
        """Find the expander, by name where there are several, and check that both arms can be.

        Raises GraphError.
        """
        if expander is None:
            found = [one for kind in _OUTPUTS for one in nodes_of_type(graph, kind)]
            if len(found) != 1:
                have = ", ".join(found) or "none"
                raise GraphError(
                    f"the workflow needs one TipoExpand or TipoTask node, it has {have}",
                    "name the node with --expander, or add one",
                )
            expander = found[0]
        else:
            expander = resolve(graph, expander)
        class_type = graph[expander]["class_type"]
        if class_type not in _OUTPUTS:
            raise GraphError(
                f"node {expander} is a {class_type}", f"name a {' or a '.join(_OUTPUTS)}"
            )
        if field not in _FIELDS[class_type]:
            raise GraphError(
                f"a {class_type} takes no prompt as {field!r}",
                f"choose --field {' or '.join(_FIELDS[class_type])}",
            )
        arms = cls(copy.deepcopy(graph), expander, field)
        arms._check_links()
        return arms

    def at(self, arm: str, prompt: str, seed: int) -> Graph:
        """Return the graph that draws a prompt; every seed in it is `seed`."""
        graph = copy.deepcopy(self.graph)
        for node in graph.values():
            for name in _SEEDS:
                if isinstance(node["inputs"].get(name), int):
                    node["inputs"][name] = seed
        inputs = graph[self.expander]["inputs"]
        if arm == EXPANDED:
            inputs |= dict.fromkeys(_FIELDS[self._class_type], "")
            inputs[self.field] = prompt
            if "variants" in inputs:
                inputs["variants"] = 1
            return graph
        used, text = self._used(), self.plain(prompt)
        for node in graph.values():
            for name, value in node["inputs"].items():
                if _leads_to(value, self.expander):
                    output = _OUTPUTS[self._class_type][value[1]]
                    is_it = len(used) == 1 or output in ("prompt", self.field)
                    node["inputs"][name] = text if is_it else ""
        del graph[self.expander]
        return graph

    def plain(self, prompt: str) -> str:
        """Return what is drawn without TIPO: names are escaped where TIPO's node does that too.

        ComfyUI would else read `name (series)` as a weight in one arm alone.
        """
        inputs = self.graph[self.expander]["inputs"]
        is_escaped = self.field == "tags" and inputs.get("escape_names", True)
        return parse(prompt).escaped() if is_escaped else prompt

    def drawn(self, arm: str, prompt: str, outputs: Mapping[str, Any]) -> str:
        """Return the text that was drawn, as the server reports it. Raises ValueError."""
        if arm == PLAIN:
            return self.plain(prompt)
        reports = outputs.get(self.expander, {}).get("tipo") or []
        if not reports:
            raise ValueError(f"node {self.expander} ({self._class_type}) reported no text")
        return "\n".join(text for key in self._used() if (text := reports[0].get(key)))

    @property
    def _class_type(self) -> str:
        return str(self.graph[self.expander]["class_type"])

    def _used(self) -> list[str]:
        """Return which outputs of the expander other nodes take, in their order."""
        names = _OUTPUTS[self._class_type]
        taken = {
            value[1]
            for node in self.graph.values()
            for value in node["inputs"].values()
            if _leads_to(value, self.expander)
        }
        return [name for number, name in enumerate(names) if number in taken]

    def _check_links(self) -> None:
        known = _OUTPUTS[self._class_type]
        for node_id, node in self.graph.items():
            for name, value in node["inputs"].items():
                if _leads_to(value, self.expander) and value[1] >= len(known):
                    raise GraphError(
                        f"node {node_id} ({node['class_type']}): its {name} is no text of the "
                        f"{self._class_type}, so that nothing can stand for it without TIPO",
                        f"connect one of {', '.join(known)}",
                    )
        if not self._used():
            raise GraphError(
                f"no node takes the text of node {self.expander} ({self._class_type})",
                "connect it to the text encoder",
            )


def _leads_to(value: Any, node_id: str) -> bool:
    return isinstance(value, list) and len(value) == 2 and str(value[0]) == node_id


def picture_of(outputs: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the first picture that a run left, one that was saved before a preview.

    Raises ValueError where there is none.
    """
    pictures = [picture for output in outputs.values() for picture in output.get("images", [])]
    pictures.sort(key=lambda picture: picture.get("type") != "output")
    if not pictures:
        raise ValueError("it left no picture: add Preview Image or Save Image to the workflow")
    picture: Mapping[str, str] = pictures[0]
    return picture
