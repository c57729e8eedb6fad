"""Importing the pack costs nothing and works without its heavy parts; errors come at run time."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from devkit.host import Host
from tests.host.graphs import NODE_IDS

# What ComfyUI has done when it loads packs. `pack()` then opens the door as ComfyUI does.
PREPARE = """
import asyncio, importlib.util, json, sys
root, tree, base = sys.argv[1:]
sys.argv[1:] = ["--cpu", "--base-directory", base]
sys.path.insert(0, tree)
import comfy.options
comfy.options.enable_args_parsing()
import torch
import comfy_api.latest, folder_paths, nodes, latent_preview, server
import comfy.sample, comfy.samplers, comfy.model_patcher, comfy.sd

def pack():
    spec = importlib.util.spec_from_file_location(
        "custom_nodes.tipo_suite", root + "/__init__.py", submodule_search_locations=[root])
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    extension = asyncio.run(module.comfy_entrypoint())
    return {node.define_schema().node_id: node for node in asyncio.run(extension.get_node_list())}

def run(node, **given):
    inputs = node.INPUT_TYPES()
    for name, spec in {**inputs.get("required", {}), **inputs.get("optional", {})}.items():
        options = spec[1] if len(spec) > 1 else {}
        choices = spec[0] if isinstance(spec[0], list) else options.get("options") or [None]
        given.setdefault(name, options.get("default", choices[0]))
    with torch.inference_mode():
        return node.execute(**given)

def block(*names):
    for name in names:
        for loaded in [key for key in sys.modules if key.split(".")[0] == name]:
            del sys.modules[loaded]
        sys.modules[name] = None
"""

EXPAND = """
found = pack()
result = {"nodes": sorted(found)}
try:
    (model,) = run(found["TipoLoadModel"], model="tipo-nano").result
    outcome = run(found["TipoExpand"], model=model, tags="1girl", tag_length="very_short",
                  caption_length="very_short", seed=0, variants=1)
    result["prompt"] = outcome.result[0]
except Exception as error:
    result["error"] = str(error)
print(json.dumps(result))
"""


def in_the_host(host: Host, repository: Path, base: Path, script: str) -> dict[str, Any]:
    """Run a script in the host's Python and return the JSON of its last line."""
    command = [str(host.python), "-c", PREPARE + script]
    command += [str(repository), str(host.tree), str(base)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert answer.returncode == 0, answer.stderr[-3000:]
    result: dict[str, Any] = json.loads(answer.stdout.strip().splitlines()[-1])
    return result


def test_import_brings_in_nothing_heavy_and_touches_nothing_outside(
    host: Host, repository: Path, tmp_path: Path
) -> None:
    script = """
import os, sysconfig
# Removed, so that the pack's import would have to bring them in again, and be seen doing so.
heavy = ("transformers", "tokenizers", "safetensors", "torchvision", "requests",
         "huggingface_hub", "sentencepiece", "scipy")
hidden = {key: sys.modules.pop(key) for key in list(sys.modules) if key.split(".")[0] in heavy}
opened, network = [], []

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        opened.append(os.path.realpath(arguments[0]))
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        network.append(event)

sys.addaudithook(watch)
found = pack()
allowed = [os.path.realpath(path) for path in
           (root, tree, sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))]
site = os.path.realpath(sysconfig.get_path("purelib"))
outside = [path for path in opened
           if path.startswith(site) or not any(path.startswith(place) for place in allowed)]
print(json.dumps({
    "nodes": sorted(found),
    "heavy": sorted({key.split(".")[0] for key in sys.modules} & set(heavy)),
    "network": network,
    "outside": outside,
    "watched": len(opened),
}))
"""
    result = in_the_host(host, repository, tmp_path, script)
    assert set(result["nodes"]) >= set(NODE_IDS)
    assert result["heavy"] == []
    assert result["network"] == []
    assert result["outside"] == []
    assert result["watched"] > 0, "the watch saw nothing at all: it does not work"


def test_without_transformers_everything_works(
    host: Host, repository: Path, tmp_path: Path
) -> None:
    result = in_the_host(host, repository, tmp_path, 'block("transformers")\n' + EXPAND)
    assert set(result["nodes"]) >= set(NODE_IDS)
    assert "error" not in result, result
    assert "1girl" in result["prompt"][0]


def test_without_tokenizers_the_run_says_what_to_install(
    host: Host, repository: Path, tmp_path: Path
) -> None:
    script = 'block("transformers", "tokenizers")\n' + EXPAND
    result = in_the_host(host, repository, tmp_path, script)
    assert set(result["nodes"]) >= set(NODE_IDS)
    assert "tokenizers" in result["error"] and "install" in result["error"]


def test_without_the_models_files_the_nodes_stay(
    host: Host, repository: Path, tmp_path: Path
) -> None:
    """A clone whose large files did not come: the nodes are there, the run names the file."""
    copy = tmp_path / "pack"
    ignore = "import shutil, os\n"
    ignore += f"shutil.copytree(root, {str(copy)!r}, ignore=shutil.ignore_patterns("
    ignore += "'.*', 'tests', 'devkit', 'docs', 'model.safetensors', '__pycache__'))\n"
    ignore += f"root = {str(copy)!r}\n"
    result = in_the_host(host, repository, tmp_path, ignore + EXPAND)
    assert set(result["nodes"]) >= set(NODE_IDS)
    assert "model.safetensors" in result["error"] and "tipo-nano" in result["error"]
