"""Graphs of the other packs' nodes in both forms, made anew from their declarations.

A graph is a list of nodes with values and links by name; `as_prompt` and `as_workflow` write it in
API form and as the page saves it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

TIPO_ORDER = (
    *("tags", "nl_prompt", "ban_tags", "tipo_model", "format", "width", "height", "temperature"),
    *("top_p", "min_p", "top_k", "tag_length", "nl_length", "seed", "device"),
)
OPERATION_ORDER = tuple("operation" if name == "format" else name for name in TIPO_ORDER)
DANTAGGEN_ORDER = (
    *("model", "artist", "characters", "copyrights", "special_tags", "general", "blacklist"),
    *("rating", "target", "width", "height", "escape_bracket", "temperature"),
)
WIDGETS = {
    "TIPO": TIPO_ORDER,
    "TIPOOperation": OPERATION_ORDER,
    "TIPOFormat": ("format",),
    "PromptDanTagGen": DANTAGGEN_ORDER,
    "CLIPTextEncode": ("text",),
    "PreviewAny": (),
    "PrimitiveInt": ("value",),
    "PrimitiveString": ("value",),
    "KSampler": ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
}
TEXTS = ("prompt", "user_prompt", "unformatted_prompt", "unformatted_user_prompt")
OUTPUTS = {
    "TIPO": [(name, "STRING") for name in TEXTS],
    "TIPOOperation": [("full_output", "LIST"), ("addon_output", "LIST")],
    "TIPOFormat": [(name, "STRING") for name in TEXTS],
    "PromptDanTagGen": [("output", "STRING"), ("llm_output", "STRING")],
    "CLIPTextEncode": [("CONDITIONING", "CONDITIONING")],
    "PreviewAny": [],
    "PrimitiveInt": [("INT", "INT")],
    "PrimitiveString": [("STRING", "STRING")],
    "KSampler": [("LATENT", "LATENT")],
}
LENGTHS = ("very_short", "short", "long", "very_long")
MODELS = {
    "KBlueLeaf/TIPO-500M-ft | TIPO-500M-ft-F16.gguf": "TIPO-500M-ft",
    "KBlueLeaf/TIPO-200M-ft2 | TIPO-200M-ft2-F16.gguf": "TIPO-200M-ft2",
    "KBlueLeaf/TIPO-500M | TIPO-500M_epoch5-F16.gguf": "TIPO-500M",
    "KBlueLeaf/TIPO-200M | TIPO-200M-40Btok-F16.gguf": "TIPO-200M",
    "KBlueLeaf/TIPO-100M": "TIPO-100M",
    "KBlueLeaf/TIPO-200M-ft": "TIPO-200M-ft",
}
WORDS = ("1girl", "smile", "blue eyes", "tree", "night sky", "(rain:1.2)", "hatsune miku", "cat")
BAN_WORDS = ("hat", "text", "weapon", "multiple views", "sign")
FORMATS = (
    "<|special|>, <|general|>,\n\n<|extended|>.\n\n<|quality|>",
    "<|artist|>, <|general|>, <|rating|>, <|meta|>",
    "<|extended|>",
    "best, <|special|>\n<|characters|>, <|copyrights|>, <|general|>\n<|generated|>",
)
OPERATIONS = (
    *("None", "short_to_tag", "short_to_tag_to_long", "tag_to_long", "tag_to_short_to_long"),
    "long_to_tag",
)


@dataclass
class Made:
    """A node: its values, and its links as input: (id of a node, position of its output)."""

    kind: str
    values: dict[str, Any]
    links: dict[str, tuple[str, int]] = field(default_factory=dict)
    title: str = ""
    control: str = "fixed"


Graph = dict[str, Made]


def as_prompt(graph: Graph) -> dict[str, Any]:
    """Return the graph in API form."""
    return {
        key: {
            "class_type": node.kind,
            "inputs": {
                **{name: value for name, value in node.values.items() if name not in node.links},
                **{name: list(link) for name, link in node.links.items()},
            },
            "_meta": {"title": node.title or node.kind},
        }
        for key, node in graph.items()
    }


def as_workflow(graph: Graph, subgraph: bool = False) -> dict[str, Any]:
    """Return the graph as the page saves it; the links of a subgraph are mappings."""
    nodes: dict[str, dict[str, Any]] = {}
    for place, (key, node) in enumerate(graph.items()):
        widgets: list[Any] = []
        for name in WIDGETS[node.kind]:
            widgets.append(node.values[name])
            if name == "seed":
                widgets.append(node.control)
        nodes[key] = {
            "id": int(key),
            "type": node.kind,
            "pos": [500 * place, 100],
            "size": [340, 368],
            "flags": {"collapsed": place % 3 == 0},
            "order": place,
            "mode": 4 if place % 5 == 4 else 0,
            "inputs": [],
            "outputs": [
                {"name": name, "type": type_, "links": []} for name, type_ in OUTPUTS[node.kind]
            ],
            "properties": {"Node name for S&R": node.kind, "cnr_id": "z-tipo-extension", "own": 1},
            "widgets_values": widgets,
            "color": "#232",
            **({"title": node.title} if node.title else {}),
        }
    links: list[Any] = []
    for key, node in graph.items():
        for name, (origin, slot) in node.links.items():
            link_id = len(links) + 1
            output = nodes[origin]["outputs"][slot]
            output["links"].append(link_id)
            socket = {"name": name, "type": output["type"], "link": link_id}
            if name in node.values:
                socket["widget"] = {"name": name}
            nodes[key]["inputs"].append(socket)
            target_slot = len(nodes[key]["inputs"]) - 1
            values = [link_id, int(origin), slot, int(key), target_slot, output["type"]]
            names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
            links.append(dict(zip(names, values, strict=True)) if subgraph else values)
    return {
        "id": "0b2a5a2c-0000-4000-8000-000000000001",
        "last_node_id": max(map(int, graph), default=0),
        "last_link_id": len(links),
        "nodes": list(nodes.values()),
        "links": links,
        "groups": [{"title": "Group", "bounding": [0, 0, 900, 600], "color": "#3f789e"}],
        "config": {},
        "extra": {"ds": {"scale": 0.75, "offset": [1.5, -2]}},
        "version": 0.4,
    }


def random_texts(generator: random.Random, words: Iterable[str]) -> str:
    """Return a list of some of the words."""
    chosen = list(words)
    return ", ".join(generator.sample(chosen, generator.randint(0, len(chosen))))


def random_graph(seed: int) -> Graph:
    """Return a graph of one to three old nodes, their readers, and nodes that feed them."""
    generator = random.Random(seed)
    graph: Graph = {}

    def add(kind: str, values: dict[str, Any], **others: Any) -> str:
        key = str(10 + 3 * len(graph))
        graph[key] = Made(kind, values, **others)
        return key

    def reader(origin: str, slot: int) -> None:
        add("CLIPTextEncode", {"text": "old"}, links={"text": (origin, slot)}, title="Reader")

    def tipo_values() -> dict[str, Any]:
        return {
            "tags": random_texts(generator, WORDS),
            "nl_prompt": generator.choice(("", "A girl in the rain.", "Two cats\nsit.")),
            "ban_tags": random_texts(generator, BAN_WORDS),
            "tipo_model": generator.choice(list(MODELS)),
            "format": generator.choice(FORMATS),
            "operation": generator.choice(OPERATIONS),
            "width": generator.choice((512, 832, 1024, 1344)),
            "height": generator.choice((512, 768, 1216)),
            "temperature": generator.choice((0, 0.5, 1.35, 2.0, 3.5)),
            "top_p": generator.choice((0.5, 0.95, 1, 1.0)),
            "min_p": generator.choice((0.0, 0.05)),
            "top_k": generator.choice((0, 60, 100, 2048)),
            "tag_length": generator.choice(LENGTHS),
            "nl_length": generator.choice(LENGTHS),
            "seed": generator.choice((1, 1234, 1383541548893, 2**63)),
            "device": generator.choice(("cpu", "cuda")),
        }

    def some_links(values: dict[str, Any]) -> dict[str, tuple[str, int]]:
        links: dict[str, tuple[str, int]] = {}
        for name in ("tags", "nl_prompt", "ban_tags", "format"):
            if name in values and generator.random() < 0.2:
                links[name] = (add("PrimitiveString", {"value": values[name]}), 0)
        for name in ("width", "height", "top_k"):
            if generator.random() < 0.2:
                links[name] = (add("PrimitiveInt", {"value": values[name]}), 0)
        if generator.random() < 0.2:
            links["seed"] = (add("PrimitiveInt", {"value": values["seed"]}), 0)
        return links

    for _ in range(generator.randint(1, 3)):
        kind = generator.choice(("TIPO", "TIPO", "TIPOOperation", "PromptDanTagGen"))
        control = generator.choice(("fixed", "randomize", "increment"))
        if kind == "PromptDanTagGen":
            values: dict[str, Any] = {
                **dict.fromkeys(("artist", "characters", "copyrights"), ""),
                "model": "KBlueLeaf/DanTagGen-beta",
                "artist": generator.choice(("", "some_artist", "wlop")),
                "characters": generator.choice(("", "hatsune miku")),
                "special_tags": "1girl",
                "general": random_texts(generator, WORDS[1:5]),
                "blacklist": random_texts(generator, BAN_WORDS),
                "rating": generator.choice(("safe", "sensitive")),
                "target": generator.choice(LENGTHS),
                "width": 832,
                "height": generator.choice((832, 1216)),
                "escape_bracket": generator.random() < 0.5,
                "temperature": generator.choice((0.5, 1.35)),
            }
            key = add(kind, {name: values[name] for name in DANTAGGEN_ORDER})
            reader(key, 0)
            continue
        given = tipo_values()
        values = {name: given[name] for name in WIDGETS[kind]}
        links = some_links(values)
        title = generator.choice(("", "My prompts"))
        key = add(kind, values, links=links, control=control, title=title)
        source = key
        if kind == "TIPOOperation":
            both = {"full_output": (key, 0), "addon_output": (key, 1)}
            source = add("TIPOFormat", {"format": given["format"]}, links=both)
        for slot in generator.sample(range(4), generator.randint(1, 4)):
            reader(source, slot)
    add(
        "KSampler",
        {
            "seed": 7,
            "steps": 20,
            "cfg": 7.0,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1.0,
        },
        control="increment",
    )
    return graph
