"""Rows of the pack inside ComfyUI: its import, its sampler beside core's, CFG in a part."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence

from devkit.bench import Aim, Benchmark, Figure, Setting, at_most, at_most_times
from devkit.bench_graphs import interval_seconds, sampler_seconds

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
_SAMPLER = Aim("TipoSampler, 128x128, 8 steps", "s", at_most_times(1.1))
_INTERVAL = Aim("interval CFG, 40 % of 20 steps, 256x256", "s", at_most_times(0.75))


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


def _sampler_cost(setting: Setting, names: Sequence[str]) -> Iterator[tuple[str, Figure]]:
    """Time TipoSampler and core's KSampler on the same latent, seed and steps."""
    ours, cores = sampler_seconds(setting.layout, setting.host)
    yield _SAMPLER.name, Figure(ours, cores)


def _interval_cost(setting: Setting, names: Sequence[str]) -> Iterator[tuple[str, Figure]]:
    """Time TipoSampler with CFG in a part of the schedule beside CFG in all of it."""
    yield _INTERVAL.name, Figure(*interval_seconds(setting.layout, setting.host))


IMPORT = Benchmark("import the pack over what the host has imported", [_IMPORT], _import_cost)
SAMPLER = Benchmark("sample beside core's KSampler", [_SAMPLER], _sampler_cost)
INTERVAL = Benchmark("sample with CFG in a part of the schedule", [_INTERVAL], _interval_cost)
