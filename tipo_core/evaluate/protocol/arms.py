"""The two arms of the comparison: a workflow with TIPO, and the same one without."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...comfy_api.api_graph import GraphError, nodes_of_type, resolve
from ...comfy_api.http_client import Graph
from ...prompt.syntax.parse import parse

PLAIN, EXPANDED = "plain", "expanded"
ARMS = (PLAIN, EXPANDED)
# Node types that expand a prompt, and their text outputs by their keys in the node's report.
_OUTPUTS = {
    "TipoExpand": ("prompt", "tags", "caption", "added"),
    "TipoTask": ("tags", "short", "long", "added"),
}
_FIELDS = {"TipoExpand": ("tags", "caption"), "TipoTask": ("tags", "short", "long")}
_SEEDS = ("seed", "noise_seed")


@dataclass(frozen=True)
class Arms:
    """A workflow whose node `expander` takes each prompt into its input `field`."""

    graph: Graph
    expander: str
    field: str

    @classmethod
    def of(cls, graph: Graph, field: str, expander: str | None = None) -> Arms:
        """Find the expander, by name where there are several, and check both arms.

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
        """Return the prompt of the arm without TIPO; names are escaped where TIPO's node does so.

        Otherwise ComfyUI would read `name (series)` as a weight in one arm only.
        """
        inputs = self.graph[self.expander]["inputs"]
        is_escaped = self.field == "tags" and inputs.get("escape_names", True)
        return parse(prompt).escaped() if is_escaped else prompt

    def drawn(self, arm: str, prompt: str, outputs: Mapping[str, Any]) -> str:
        """Return the drawn prompt as the server reports it. Raises ValueError without a report."""
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
        """Return the outputs of the expander that other nodes use, in their order."""
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
                        f"node {node_id} ({node['class_type']}) takes {name} from an output of the "
                        f"{self._class_type} that is not text, which the arm without TIPO lacks",
                        f"connect one of {', '.join(known)}",
                    )
        if not self._used():
            raise GraphError(
                f"no node uses the text of node {self.expander} ({self._class_type})",
                "connect it to the text encoder",
            )


def _leads_to(value: Any, node_id: str) -> bool:
    return isinstance(value, list) and len(value) == 2 and str(value[0]) == node_id


def picture_of(outputs: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the first picture of a run's outputs; saved pictures come before previews.

    Raises ValueError if there is none.
    """
    pictures = [picture for output in outputs.values() for picture in output.get("images", [])]
    pictures.sort(key=lambda picture: picture.get("type") != "output")
    if not pictures:
        raise ValueError("the run made no picture: add Preview Image or Save Image to the workflow")
    picture: Mapping[str, str] = pictures[0]
    return picture
