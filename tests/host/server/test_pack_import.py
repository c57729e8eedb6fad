"""Importing the pack costs nothing and works without its heavy parts; errors come at run time.

All of it runs in one process of the host's Python, which imports ComfyUI's core once and then opens
the pack's door several times, each time under a name of its own and with something else missing.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from devkit.setup.host import Host
from tests.host.graphs import NODE_IDS

SCRIPT = """
import asyncio, importlib.util, json, os, sys, sysconfig
root, cut_root, tree, base = sys.argv[1:]
sys.argv[1:] = ["--cpu", "--base-directory", base]

# 1) What ComfyUI has done when it loads packs.
sys.path.insert(0, tree)
import comfy.options
comfy.options.enable_args_parsing()
import torch
# First, as in main.py: nodes puts comfy/ on the path, whose utils.py would hide this package.
import utils.extra_config
import comfy_api.latest, folder_paths, nodes, latent_preview, server

def pack(folder, name):
    spec = importlib.util.spec_from_file_location(
        name, folder + "/__init__.py", submodule_search_locations=[folder])
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
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

def expand(found):
    result = {"nodes": sorted(found)}
    try:
        model = run(found["TipoLoadModel"], model="tipo-nano").result[0]
        outcome = run(found["TipoExpand"], model=model, tags="1girl", tag_length="very_short",
                      caption_length="none", seed=0, variants=1)
        result["prompt"] = outcome.result[0][0]
    except Exception as error:
        result["error"] = str(error)
    return result

def block(*names):
    for name in names:
        for loaded in [key for key in sys.modules if key.split(".")[0] == name]:
            del sys.modules[loaded]
        sys.modules[name] = None

# 2) The first import, watched. The heavy modules are hidden, so that an import of one is seen.
# (safetensors is not among them: ComfyUI itself cannot start without it.)
heavy = ("transformers", "tokenizers", "torchvision", "requests", "huggingface_hub",
         "sentencepiece", "scipy", "kornia")
hidden = {key: sys.modules.pop(key) for key in list(sys.modules) if key.split(".")[0] in heavy}
opened, network, watching = [], [], True

def watch(event, arguments):
    if watching and event == "open" and isinstance(arguments[0], str):
        opened.append(os.path.realpath(arguments[0]))
    if watching and event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        network.append(event)

sys.addaudithook(watch)
found = pack(root, "watched_pack")
watching = False
places = [os.path.realpath(path) for path in
          (root, tree, sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))]
site = os.path.realpath(sysconfig.get_path("purelib"))
results = {"import": {
    "nodes": sorted(found),
    "heavy": sorted({key.split(".")[0] for key in sys.modules} & set(heavy)),
    "network": network,
    "outside": [path for path in opened if path.startswith(site)
                or not any(path.startswith(place) for place in places)],
    "watched": len(opened),
}}
sys.modules.update(hidden)

# 3) With parts missing, more and more of them.
block("transformers")
results["no transformers"] = expand(pack(root, "pack_without_transformers"))
results["no weights"] = expand(pack(cut_root, "pack_without_weights"))
block("tokenizers")
results["no tokenizers"] = expand(pack(root, "pack_without_tokenizers"))
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def results(
    host: Host, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What each part of the script found."""
    folder = tmp_path_factory.mktemp("import")
    # As a clone is whose large files did not come.
    cut = folder / "pack"
    left_out = (".*", "tests", "devkit", "docs", "model.safetensors", "__pycache__")
    shutil.copytree(repository, cut, ignore=shutil.ignore_patterns(*left_out))
    command = [str(host.python), "-c", SCRIPT, str(repository), str(cut)]
    command += [str(host.tree), str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert answer.returncode == 0, answer.stderr[-3000:]
    found: dict[str, Any] = json.loads(answer.stdout.strip().splitlines()[-1])
    return found


@pytest.mark.parametrize("missing", ["import", "no transformers", "no weights", "no tokenizers"])
def test_all_nodes_stay(results: dict[str, Any], missing: str) -> None:
    assert set(results[missing]["nodes"]) == set(NODE_IDS)


def test_import_brings_in_nothing_heavy(results: dict[str, Any]) -> None:
    assert results["import"]["heavy"] == []


def test_import_touches_neither_network_nor_files_outside(results: dict[str, Any]) -> None:
    assert results["import"]["network"] == []
    assert results["import"]["outside"] == []
    assert results["import"]["watched"] > 0, "the watch saw no file at all: it does not work"


def test_without_transformers_everything_works(results: dict[str, Any]) -> None:
    assert "error" not in results["no transformers"]
    assert results["no transformers"]["prompt"].startswith("1girl")


def test_without_tokenizers_the_run_says_what_to_install(results: dict[str, Any]) -> None:
    error = results["no tokenizers"]["error"]
    assert "tokenizers" in error and "install" in error


def test_without_the_weights_the_run_names_the_file(results: dict[str, Any]) -> None:
    error = results["no weights"]["error"]
    assert "model.safetensors" in error and "tipo-nano" in error
