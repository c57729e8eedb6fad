"""Opens the pack in ComfyUI's Python several times, each time with another dependency missing.

Run by test_pack_import.py with the checkout, a checkout without weights, ComfyUI's tree and its
base directory as arguments; prints the results as JSON. ComfyUI's core is imported once; each
import of the pack has a name of its own.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import os
import sys
import sysconfig
from types import ModuleType
from typing import Any

ROOT, CUT_ROOT, TREE, BASE = sys.argv[1:]
# safetensors is not among them: ComfyUI itself cannot start without it.
HEAVY = (
    *("transformers", "tokenizers", "torchvision", "requests", "huggingface_hub"),
    *("sentencepiece", "scipy", "kornia"),
)


def import_core() -> None:
    """Import the modules that ComfyUI has imported when it loads packs."""
    sys.argv[1:] = ["--cpu", "--base-directory", BASE]
    sys.path[0] = TREE
    importlib.import_module("comfy.options").enable_args_parsing()
    # torch and utils.extra_config precede nodes, as in main.py: nodes puts comfy/ on the path,
    # whose utils.py would hide the package utils.
    for name in (
        *("torch", "utils.extra_config", "comfy_api.latest", "folder_paths", "nodes"),
        *("latent_preview", "server"),
    ):
        importlib.import_module(name)


def pack_nodes(folder: str, name: str) -> dict[str, Any]:
    """Import the pack in `folder` as the package `name`; return its nodes by id."""
    spec = importlib.util.spec_from_file_location(
        name, f"{folder}/__init__.py", submodule_search_locations=[folder]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    extension = asyncio.run(module.comfy_entrypoint())
    return {node.define_schema().node_id: node for node in asyncio.run(extension.get_node_list())}


def execute(node: Any, **inputs: Any) -> Any:
    """Run a node with the defaults of all other inputs."""
    declared = node.INPUT_TYPES()
    for name, spec in {**declared.get("required", {}), **declared.get("optional", {})}.items():
        options = spec[1] if len(spec) > 1 else {}
        choices = spec[0] if isinstance(spec[0], list) else options.get("options") or [None]
        inputs.setdefault(name, options.get("default", choices[0]))
    with importlib.import_module("torch").inference_mode():
        return node.execute(**inputs)


def expansion(nodes: dict[str, Any]) -> dict[str, Any]:
    """Return the pack's nodes and the prompt of an expansion, or its error."""
    found: dict[str, Any] = {"nodes": sorted(nodes)}
    try:
        model = execute(nodes["TipoLoadModel"], model="tipo-nano").result[0]
        inputs = {"tags": "1girl", "tag_length": "very_short", "caption_length": "none"}
        outcome = execute(nodes["TipoExpand"], model=model, seed=0, variants=1, **inputs)
        found["prompt"] = outcome.result[0][0]
    except Exception as error:
        found["error"] = str(error)
    return found


def loaded(*packages: str) -> dict[str, ModuleType]:
    """Return the loaded modules of some packages."""
    return {name: module for name, module in sys.modules.items() if name.split(".")[0] in packages}


def block(package: str) -> None:
    """Make an import of a package fail from now on."""
    for name in loaded(package):
        del sys.modules[name]
    sys.modules[package] = None  # type: ignore[assignment]


def watched_import() -> dict[str, Any]:
    """Import the pack; return the heavy modules, files and connections that this opened."""
    # Hide the heavy modules: a second import of one is then seen.
    hidden = loaded(*HEAVY)
    for name in hidden:
        del sys.modules[name]
    opened: list[str] = []
    network: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event == "open" and isinstance(arguments[0], str):
            opened.append(os.path.realpath(arguments[0]))
        if watching and event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
            network.append(event)

    sys.addaudithook(watch)
    nodes = pack_nodes(ROOT, "watched_pack")
    watching = False
    library = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    allowed = tuple(os.path.realpath(path) for path in (ROOT, TREE, *library))
    site = os.path.realpath(sysconfig.get_path("purelib"))
    heavy = sorted({name.split(".")[0] for name in loaded(*HEAVY)})
    sys.modules.update(hidden)
    return {
        "nodes": sorted(nodes),
        "heavy": heavy,
        "network": network,
        "outside": [
            path for path in opened if path.startswith(site) or not path.startswith(allowed)
        ],
        "watched": len(opened),
    }


import_core()
results: dict[str, Any] = {"import": watched_import()}
block("transformers")
results["no transformers"] = expansion(pack_nodes(ROOT, "pack_without_transformers"))
results["no weights"] = expansion(pack_nodes(CUT_ROOT, "pack_without_weights"))
block("tokenizers")
results["no tokenizers"] = expansion(pack_nodes(ROOT, "pack_without_tokenizers"))
print(json.dumps(results))
