"""The app and the blueprint "prompt in, picture out", made from the template Text to image.

An app is a workflow whose `extra` has the inputs and outputs of ComfyUI's app mode; front ends
without that mode open it as a graph. A blueprint is a subgraph in the folder `subgraphs`, which
ComfyUI's node library lists.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from devkit.generate.templates import Template, all_templates
from devkit.server.graph_settings import set_widget

Workflow = dict[str, Any]

SOURCE = "text-to-image"
APP = "Prompt to picture"
BLUEPRINT = Path("subgraphs", "Prompt to picture (TIPO).json")
# Workflows need ids that never change.
_APP_ID = "5c1f0f0e-4b6e-4e0c-9d0b-2f7a1c3d9e10"
_SUBGRAPH_ID = "8a3d5a34-6f0b-4d6e-9c51-0f0d6c1b7e21"
_SOCKET_ID = "8a3d5a34-6f0b-4d6e-9c51-0f0d6c1b7e{:02x}"
_DESCRIPTION = (
    "Prompt in, picture out: TIPO adds tags to your words, and the checkpoint draws them. "
    "输入提示词，得到图片：TIPO 为您的文字补充标签，由检查点绘制。"
)
_ALIASES = ("tipo", "prompt expansion", "text to image", "txt2img", "提示词扩写", "文生图")
# The inputs that a user sets, as (node type, input).
_SHOWN = (
    ("TipoExpand", "tags"),
    ("TipoExpand", "tag_length"),
    ("CheckpointLoaderSimple", "ckpt_name"),
    ("EmptyLatentImage", "width"),
    ("EmptyLatentImage", "height"),
    ("TipoExpand", "seed"),
)
# The app draws with toy-sd, as the template does, and another picture.
_APP_VALUES = {
    ("TipoExpand", "tags"): "potted plant, cactus",
    ("TipoExpand", "seed"): 3,
    ("TipoSampler", "seed"): 3,
}
# The blueprint is for the user's own checkpoint.
_BLUEPRINT_VALUES = {
    ("CheckpointLoaderSimple", "ckpt_name"): "choose your checkpoint",
    ("EmptyLatentImage", "width"): 512,
    ("EmptyLatentImage", "height"): 512,
    ("TipoExpand", "tags"): "",
    ("TipoExpand", "tag_length"): "long",
    ("TipoExpand", "metadata"): "",
}
_LEFT_OUT = ("MarkdownNote", "TipoSaveImage")
# The blueprint's seed is a node of its own, linked to both: front end 1.32.9 gives the value of an
# input with two targets to the first alone.
_SEED_NODE = "PrimitiveInt"
_SEED_SIZE = [288, 82]
_BELOW_GROUPS = 80
# The front end's ids of the two ends of a subgraph.
_INPUTS_ID, _OUTPUTS_ID = -10, -20
_NODE_ID = 1  # of the blueprint's one node
_END_WIDTH = 180


def prompt_to_picture(root: Path, object_info: Mapping[str, Any]) -> dict[Path, Workflow]:
    """Return the app and the blueprint by their paths; none in a checkout without the source."""
    sources = [one for one in all_templates(root) if one.name == SOURCE]
    return {
        path: made
        for one in sources
        for path, made in (
            (Template(one.workflows, APP).ui, app_form(one.read(), object_info)),
            (root / BLUEPRINT, blueprint(one.read(), object_info)),
        )
    }


def workflow_text(workflow: Workflow) -> str:
    """Return the text of a workflow's file."""
    return json.dumps(workflow, ensure_ascii=False, indent=1) + "\n"


def app_form(source: Workflow, object_info: Mapping[str, Any]) -> Workflow:
    """Return the source with the inputs and outputs of ComfyUI's app mode."""
    app = copy.deepcopy(source)
    _set_values(app, object_info, _APP_VALUES)
    app["id"] = _APP_ID
    inputs = [[_node(app, kind)["id"], name] for kind, name in _SHOWN]
    outputs = [_node(app, "TipoSaveImage")["id"]]
    app["extra"] |= {"linearMode": True, "linearData": {"inputs": inputs, "outputs": outputs}}
    return app


def blueprint(source: Workflow, object_info: Mapping[str, Any]) -> Workflow:
    """Return the source's nodes as one subgraph: inputs of `_SHOWN`, a picture and its prompt.

    One seed is the language model's and the sampler's.
    """
    inner = copy.deepcopy(source)
    _set_values(inner, object_info, _BLUEPRINT_VALUES)
    seed = _seed_node(inner)
    inner["nodes"].append(seed)
    nodes = [node for node in inner["nodes"] if node["type"] not in _LEFT_OUT]
    kept = {node["id"] for node in nodes}
    links = [_named(link) for link in inner["links"] if link[1] in kept and link[3] in kept]
    last = max(link["id"] for link in links)
    for kind in ("TipoExpand", "TipoSampler"):
        last += 1
        target = _node(inner, kind)
        at, socket = _socket(target["inputs"], "seed")
        socket["link"] = last
        links.append(_link(last, (seed["id"], 0), (target["id"], at), socket["type"]))
    inputs, outputs = [], []
    for slot, (kind, name) in enumerate(_SHOWN):
        last += 1
        is_seed = name == "seed"
        target = seed if is_seed else _node(inner, kind)
        at, socket = _socket(target["inputs"], "value" if is_seed else name)
        socket["link"] = last
        links.append(_link(last, (_INPUTS_ID, slot), (target["id"], at), socket["type"]))
        inputs.append(_end(slot, name, socket["type"], [last]))
    for slot, (kind, name) in enumerate((("TipoVaeDecode", "image"), ("TipoExpand", "prompt"))):
        last += 1
        origin = _node(inner, kind)
        at, socket = _socket(origin["outputs"], name)
        links.append(_link(last, (origin["id"], at), (_OUTPUTS_ID, slot), socket["type"]))
        outputs.append(_end(len(_SHOWN) + slot, name, socket["type"], [last]))
    _set_output_links(nodes, links)
    left = min(node["pos"][0] for node in nodes) - _END_WIDTH
    right = max(node["pos"][0] + node["size"][0] for node in nodes)
    subgraph = {
        "id": _SUBGRAPH_ID,
        "version": 1,
        "state": {
            "lastGroupId": max(group["id"] for group in inner["groups"]),
            "lastNodeId": max(kept),
            "lastLinkId": last,
            "lastRerouteId": 0,
        },
        "revision": 0,
        "config": {},
        "name": BLUEPRINT.stem,
        "inputNode": {"id": _INPUTS_ID, "bounding": [left, 0, _END_WIDTH - 40, 160]},
        "outputNode": {"id": _OUTPUTS_ID, "bounding": [right + 40, 0, _END_WIDTH - 40, 80]},
        "inputs": inputs,
        "outputs": outputs,
        "widgets": [],
        "nodes": nodes,
        "groups": inner["groups"],
        "links": links,
        "extra": {"workflowRendererVersion": "LG"},
        "category": "TIPO",
        "description": _DESCRIPTION,
    }
    return {
        "revision": 0,
        "last_node_id": _NODE_ID,
        "last_link_id": 0,
        "nodes": [_outer_node(inner, inputs, outputs)],
        "links": [],
        "version": 0.4,
        "definitions": {"subgraphs": [subgraph]},
        # Front ends before 1.49 read these.
        "extra": {"BlueprintDescription": _DESCRIPTION, "BlueprintSearchAliases": list(_ALIASES)},
    }


def _outer_node(
    inner: Workflow, inputs: Sequence[Mapping[str, Any]], outputs: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the subgraph's node, which shows the widgets of its inputs."""
    seed = str(_node(inner, _SEED_NODE)["id"])
    proxies = [
        [seed, "value"] if name == "seed" else [str(_node(inner, kind)["id"]), name]
        for kind, name in _SHOWN
    ]
    proxies.append([seed, "control_after_generate"])
    return {
        "id": _NODE_ID,
        "type": _SUBGRAPH_ID,
        "pos": [0, 0],
        "size": [400, 360],
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": [
            {
                "name": one["name"],
                "type": one["type"],
                "widget": {"name": one["name"]},
                "link": None,
            }
            for one in inputs
        ],
        "outputs": [{"name": one["name"], "type": one["type"], "links": []} for one in outputs],
        "title": BLUEPRINT.stem,
        "properties": {"proxyWidgets": proxies},
        "widgets_values": [],
    }


def _seed_node(inner: Workflow) -> dict[str, Any]:
    """Return ComfyUI's node of a whole number, in the first column below the other nodes."""
    left = min(node["pos"][0] for node in inner["nodes"])
    column = [node for node in inner["nodes"] if node["pos"][0] == left]
    bottom = max(node["pos"][1] + node["size"][1] for node in column)
    return {
        "id": max(node["id"] for node in inner["nodes"]) + 1,
        "type": _SEED_NODE,
        "pos": [left, bottom + _BELOW_GROUPS],
        "size": _SEED_SIZE,
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": [
            {
                "label": "seed",
                "name": "value",
                "type": "INT",
                "widget": {"name": "value"},
                "link": None,
            }
        ],
        "outputs": [{"name": "INT", "type": "INT", "links": []}],
        "title": "Seed",
        "properties": {"Node name for S&R": _SEED_NODE},
        "widgets_values": [1, "randomize"],
    }


def _set_values(
    workflow: Workflow, object_info: Mapping[str, Any], values: Mapping[tuple[str, str], Any]
) -> None:
    for (kind, name), value in values.items():
        set_widget(workflow, object_info, str(_node(workflow, kind)["id"]), name, value)


def _node(workflow: Workflow, kind: str) -> dict[str, Any]:
    """Return the first node of a type."""
    found: dict[str, Any] = next(node for node in workflow["nodes"] if node["type"] == kind)
    return found


def _socket(sockets: list[dict[str, Any]], name: str) -> tuple[int, dict[str, Any]]:
    """Return the slot of a socket, and the socket."""
    return next((at, one) for at, one in enumerate(sockets) if one["name"] == name)


def _link(
    number: int, origin: tuple[int, int], target: tuple[int, int], kind: str
) -> dict[str, Any]:
    """Return a link as subgraphs store it; the two ends are (node, slot)."""
    return {
        "id": number,
        "origin_id": origin[0],
        "origin_slot": origin[1],
        "target_id": target[0],
        "target_slot": target[1],
        "type": kind,
    }


def _named(link: Sequence[Any]) -> dict[str, Any]:
    """Return a link of a root graph, which is a list, as subgraphs store it."""
    number, origin, origin_slot, target, target_slot, kind = link
    return _link(number, (origin, origin_slot), (target, target_slot), kind)


def _end(number: int, name: str, kind: str, links: list[int]) -> dict[str, Any]:
    """Return an input or output of the subgraph."""
    return {"id": _SOCKET_ID.format(number), "name": name, "type": kind, "linkIds": links}


def _set_output_links(nodes: Sequence[dict[str, Any]], links: Sequence[Mapping[str, Any]]) -> None:
    """Store in each output the links that leave it."""
    for node in nodes:
        for slot, output in enumerate(node["outputs"]):
            origin = (node["id"], slot)
            leaving = [
                link["id"] for link in links if (link["origin_id"], link["origin_slot"]) == origin
            ]
            output["links"] = leaving or None
