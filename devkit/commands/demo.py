"""`dev.py demo`: expand a prompt and draw it, on a real ComfyUI server."""

from __future__ import annotations

import copy
import json
import os
import shlex
import sys
import time
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.generate.prompt_diff import diff_prompt, on_terminal, words_of
from devkit.generate.templates import template
from devkit.messages import StepError, say
from devkit.server.graph_run import RUN, pictures_of, run_or_explain
from devkit.server.graph_settings import (
    combo_options,
    input_spec,
    load_graph,
    nodes_of_type,
    set_widget,
    the_node,
)
from devkit.server.server import PAGE, check_pack_is_loaded, running_server
from devkit.server.websocket_client import Client, Graph, Outcome
from devkit.setup import toy_sd
from devkit.setup.host import Host
from devkit.setup.layout import Layout
from devkit.terminal.abilities import ability_of
from devkit.terminal.picture import picture_text

CHOOSE = "choose the checkpoint"
TEMPLATE = "text-to-image"

# Side in pixels, of toy-sd and of SD1.x checkpoints.
_TOY, _FULL = 128, 512
# A few tags describe a whole drawing of toy-sd.
_TOY_LENGTHS = {"tag": "very_short", "caption": "none"}
_FULL_LENGTHS = {"tag": "long", "caption": "long"}


@dataclass(frozen=True)
class Setting:
    """A value for an input of the nodes of a type."""

    class_type: str
    name: str
    value: Any


def settings_of(args: Namespace) -> list[Setting]:
    """Return the command line's values for the graph."""
    side = _FULL if args.checkpoint else _TOY
    checkpoint = args.checkpoint or toy_sd.NAME
    wanted = [
        Setting("TipoExpand", "tags", args.prompt),
        Setting("TipoExpand", "caption", args.caption),
        Setting("TipoExpand", "seed", args.seed),
        Setting("TipoExpand", "variants", args.variants),
        Setting("TipoSampler", "seed", args.seed),
        Setting("EmptyLatentImage", "width", side),
        Setting("EmptyLatentImage", "height", side),
        Setting("CheckpointLoaderSimple", "ckpt_name", checkpoint),
    ]
    lengths = _FULL_LENGTHS if args.checkpoint else _TOY_LENGTHS
    if args.length:
        lengths = dict.fromkeys(("tag", "caption"), args.length)
    wanted += [Setting("TipoExpand", f"{kind}_length", length) for kind, length in lengths.items()]
    wanted.append(Setting("TipoExpand", "metadata", "" if args.checkpoint else toy_sd.METADATA))
    return wanted


def apply(
    settings: list[Setting],
    graph: Graph,
    workflow: Mapping[str, Any],
    object_info: Mapping[str, Any],
) -> None:
    """Set the values in the graph and in its UI form, which the picture stores."""
    for setting in settings:
        the_node(graph, setting.class_type)
        for node_id in nodes_of_type(graph, setting.class_type):
            graph[node_id]["inputs"][setting.name] = setting.value
            set_widget(workflow, object_info, node_id, setting.name, setting.value)


def check_choices(settings: list[Setting], object_info: Mapping[str, Any]) -> None:
    """Raise StepError with the choices if a combo value is not one of them."""
    for setting in settings:
        spec = input_spec(object_info, setting.class_type, setting.name)
        if spec is None:
            continue
        choices = combo_options(spec) if isinstance(spec[0], list) or spec[0] == "COMBO" else []
        if choices and setting.value not in choices:
            name = CHOOSE if setting.name == "ckpt_name" else f"set {setting.name}"
            raise StepError(
                name,
                f"{setting.value!r} is not a choice of {setting.name}",
                "choose one of: " + ", ".join(choices),
            )


def run_demo(layout: Layout, host: Host, args: Namespace, setup_seconds: float) -> int:
    """Run the demo and print its result."""
    started = time.monotonic()
    shown = template(layout.root, TEMPLATE)
    graph, workflow = load_graph(shown.api), shown.read()
    if not (args.checkpoint or toy_sd.can_draw(args.prompt)):
        say(toy_sd.NOTICE)
    with running_server(layout, host) as server, Client(server.url) as client:
        server_seconds = time.monotonic() - started
        object_info = client.object_info()
        check_pack_is_loaded(object_info, server)
        settings = settings_of(args)
        check_choices(settings, object_info)
        apply(settings, graph, workflow, object_info)
        outcome = run_or_explain(client, server, graph, workflow)
        version = client.system_stats()["system"].get("comfyui_version", host.version)
    result = result_of(graph, outcome, server.base)
    result["seconds"] = {
        "setup": round(setup_seconds, 2),
        "server": round(server_seconds, 2),
        "nodes": {_name(graph, node): round(s, 2) for node, s in outcome.seconds.items()},
        "total": round(setup_seconds + time.monotonic() - started, 2),
    }
    result["comfyui_version"] = version
    if args.json:
        print(json.dumps(result, ensure_ascii=False, indent=1))
    else:
        print_result(result, args)
        say(f"\n{next_steps(args)}")
    return 0


def result_of(graph: Graph, outcome: Outcome, base: Path) -> dict[str, Any]:
    """Return the texts and the picture of a run; `variants` has all, if there are several."""
    expand = the_node(graph, "TipoExpand")
    texts = outcome.outputs.get(expand, {}).get("tipo", [])
    if not texts:
        raise StepError(RUN, "TipoExpand reported no text", "report this as a bug")
    images = pictures_of(outcome, base)
    if not images:
        raise StepError(RUN, "the graph saved no picture", "report this as a bug")
    variants = [
        {
            **{key: text.get(key, "") for key in ("prompt", "tags", "caption", "added")},
            "image": path,
        }
        for text, path in zip(texts, [str(image) for image in images], strict=False)
    ]
    result: dict[str, Any] = copy.deepcopy(variants[0])
    if len(variants) > 1:
        result["variants"] = variants
    return result


def print_result(result: Mapping[str, Any], args: Namespace) -> None:
    """Print the prompt with the user's and the added part, the picture, and the seconds."""
    ability = ability_of()
    for variant in result.get("variants", [result]):
        parts = diff_prompt(variant["prompt"], args.prompt, args.caption)
        print()
        if sys.stdout.isatty():
            print(f"prompt:  {on_terminal(parts)}")
            print(on_terminal(diff_prompt("yours", "yours") + diff_prompt(" added", "")))
        else:
            print(f"prompt:  {variant['prompt']}")
            print(f"yours:   {words_of(parts, 'yours')}")
            print(f"added:   {words_of(parts, 'added')}")
        print(f"picture: {variant['image']}")
        if shown := picture_text(Path(variant["image"]), ability):
            print(shown)
    seconds = result["seconds"]
    stages = [("set-up", seconds["setup"]), ("server start", seconds["server"])]
    stages += list(seconds["nodes"].items())
    stages += [("total", seconds["total"])]
    print("\nseconds:")
    for name, value in stages:
        print(f"  {name:<24} {value:7.2f}")


def next_steps(args: Namespace) -> str:
    """Return the commands for the same graph in ComfyUI's page and for another picture."""
    python = "python" if os.name == "nt" else "python3"
    again = [f"{python} dev.py demo {shlex.quote(args.prompt)} --seed {args.seed + 1}"]
    if args.caption:
        again.append(f"--caption {shlex.quote(args.caption)}")
    if args.checkpoint:
        again.append(f"--checkpoint {shlex.quote(args.checkpoint)}")
    if args.length:
        again.append(f"--length {args.length}")
    if args.variants > 1:
        again.append(f"--variants {args.variants}")
    return (
        f"another:        {' '.join(again)}\n"
        f"ComfyUI's page: {python} dev.py serve --open   ({PAGE} in your browser)\n"
        "                There, drop the picture on the page to open its graph, or choose\n"
        "                Browse Templates > TIPO Suite > Text to image."
    )


def _name(graph: Graph, node: str) -> str:
    """Return a node's type, with its id if the type occurs more than once."""
    class_type = str(graph[node]["class_type"]) if node in graph else node
    return class_type if len(nodes_of_type(graph, class_type)) < 2 else f"{class_type} {node}"
