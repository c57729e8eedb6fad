"""Time the import of the pack when ComfyUI's own modules are already imported.

Run in ComfyUI's Python: time_pack_import.py PACK COMFYUI. Prints the seconds of six imports, each
under another name, so that sys.modules never has the module.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import re
import sys
import time

root, tree = sys.argv[1:]
sys.argv[1:] = []
sys.path[0] = tree
args = importlib.import_module("comfy.cli_args").args
args.cpu = True
for name in ("torch", "utils.extra_config", "comfy_api.latest", "folder_paths", "nodes"):
    importlib.import_module(name)
importlib.import_module("latent_preview")
for number in range(6):
    # An import compiles the regular expressions of its modules.
    re.purge()
    started = time.perf_counter()
    spec = importlib.util.spec_from_file_location(
        f"probe_{number}", root + "/__init__.py", submodule_search_locations=[root]
    )
    assert spec is not None and spec.loader is not None, root
    pack = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = pack
    spec.loader.exec_module(pack)
    asyncio.run(asyncio.run(pack.comfy_entrypoint()).get_node_list())
    print(time.perf_counter() - started)
