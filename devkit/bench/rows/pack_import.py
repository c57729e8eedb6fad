"""What the import of the pack adds to a start of ComfyUI."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence

from devkit.bench.benchmark import Aim, Benchmark, Figure, Setting, at_most

# ComfyUI's core is imported first; what the pack adds to it is timed, five times under as many
# names. The least time is the cost: the others are this and what else the machine was doing.
_IMPORT_PROBE = """
import asyncio, importlib.util, re, sys, time
root, tree = sys.argv[1:]
sys.argv[1:] = []
sys.path.insert(0, tree)
import torch
from comfy.cli_args import args
args.cpu = True
import utils.extra_config
import comfy_api.latest, folder_paths, nodes, latent_preview
for number in range(6):
    re.purge()
    started = time.perf_counter()
    spec = importlib.util.spec_from_file_location(
        f"probe_{number}", root + "/__init__.py", submodule_search_locations=[root])
    pack = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = pack
    spec.loader.exec_module(pack)
    asyncio.run(asyncio.run(pack.comfy_entrypoint()).get_node_list())
    print(time.perf_counter() - started)
"""
_IMPORT = Aim("import of the pack", "ms", at_most(50.0))


def _import_cost(setting: Setting, names: Sequence[str]) -> Iterator[tuple[str, Figure]]:
    """Import the pack and list its nodes over what the host has imported anyway."""
    host = setting.host
    command = [host.python, "-c", _IMPORT_PROBE, setting.layout.root, host.tree]
    answer = subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, text=True
    )
    # The first import may have compiled the byte code, which the next start does not do again.
    times = [float(line) for line in answer.stdout.splitlines()[-5:]]
    yield _IMPORT.name, Figure(min(times) * 1000)


IMPORT = Benchmark("import the pack over what the host has imported", [_IMPORT], _import_cost)
