"""Runs a script inside ComfyUI's own Python, with the pack imported, and reads what it prints."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devkit.setup.host import Host
from devkit.setup.layout import this_checkout

HERE = Path(__file__).resolve().parent
DYNAMIC = this_checkout().root / "devkit" / "server" / "dynamic_vram.py"

# What main.py does before it imports the rest: arguments are read, DynamicVRAM is turned on where
# that is wanted, and utils is ComfyUI's package before nodes puts comfy/, which
# has a utils.py, on the path. Then the pack, as "pack".
_START = """
import importlib.util, runpy, sys
script, tree, base, pack, extra, dynamic = sys.argv[1:]
sys.argv[1:] = ["--cpu", "--base-directory", base]
sys.path.insert(0, tree)
import comfy.options
comfy.options.enable_args_parsing()
if dynamic:
    runpy.run_path(dynamic)["turn_on"]()
import utils.extra_config, nodes
spec = importlib.util.spec_from_file_location(
    "pack", pack + "/__init__.py", submodule_search_locations=[pack])
module = importlib.util.module_from_spec(spec)
sys.modules["pack"] = module
spec.loader.exec_module(module)
sys.argv[1:] = [extra]
runpy.run_path(script)
"""


def run_inside(
    host: Host,
    script: str,
    base: Path,
    extra: Path | str = "",
    environ: Mapping[str, str] | None = None,
) -> Any:
    """Return the JSON of the last line that a script of this folder prints; `extra` is argv[1].

    `base` becomes ComfyUI's base directory.
    """
    command = [host.python, "-c", _START, HERE / script, host.tree, base]
    answer = subprocess.run(
        [
            *(str(part) for part in (*command, this_checkout().root, extra)),
            str(DYNAMIC) if host.has_dynamic_vram else "",
        ],
        capture_output=True,
        text=True,
        timeout=600,
        # On a busy machine, more threads only wait for each other.
        env=os.environ | {"OMP_NUM_THREADS": "1"} | dict(environ or {}),
        cwd=base,
    )
    assert answer.returncode == 0, answer.stderr[-3000:]
    return json.loads(answer.stdout.strip().splitlines()[-1])
