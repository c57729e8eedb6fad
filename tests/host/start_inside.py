"""Starts a script in ComfyUI's own Python, with ComfyUI and the pack imported; see inside.py.

Arguments: the script, ComfyUI's tree, its base directory, the pack, one argument for the script,
and the script that turns DynamicVRAM on, or ''.
"""

from __future__ import annotations

import importlib.util
import runpy
import sys
import types

script, tree, base, pack, extra, dynamic = sys.argv[1:]


def import_pack() -> None:
    """Import the pack as the package `pack`."""
    spec = importlib.util.spec_from_file_location(
        "pack", f"{pack}/__init__.py", submodule_search_locations=[pack]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["pack"] = module
    spec.loader.exec_module(module)


def find_tests() -> None:
    """Make `tests` the pack's tests: ComfyUI's tree has a package of that name too."""
    tests = types.ModuleType("tests")
    tests.__path__ = [f"{pack}/tests"]
    sys.modules["tests"] = tests


# As ComfyUI's main.py: read the arguments and turn DynamicVRAM on before other imports. Import
# utils.extra_config before nodes, which puts comfy/, with a utils.py, on the path.
sys.argv[1:] = ["--cpu", "--base-directory", base]
sys.path[0] = tree
options = importlib.import_module("comfy.options")
options.enable_args_parsing()
if dynamic:
    runpy.run_path(dynamic)["turn_on"]()
importlib.import_module("utils.extra_config")
importlib.import_module("nodes")
import_pack()
find_tests()
sys.argv[1:] = [extra]
runpy.run_path(script)
