"""Run a script so that it ends with the process that started it, however that one ended.

Usage: python launch.py [--dynamic-vram] SCRIPT ARGUMENTS…, with stdin a pipe that the starter holds
open. When the starter dies, even by SIGKILL, the system closes the pipe and the script's process
leaves. This runs in ComfyUI's Python, so it uses the standard library alone.

--dynamic-vram does for DynamicVRAM what ComfyUI does itself on an NVIDIA card: it loads the library
and makes two assignments. So files that are mapped, layers that have no weights yet and the newer
patcher's class are tried on a CPU too; pages and pins of a device are not.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
from pathlib import Path


def _leave_with_starter() -> None:
    # Read below Python's buffered stdin: its lock would hang the interpreter's own shutdown.
    while os.read(0, 4096):
        pass
    os._exit(0)


def _assign_dynamic_vram() -> None:
    import comfy.options

    comfy.options.enable_args_parsing()
    # Before the modules that look for the loaded library when they are imported.
    import comfy_aimdo.control

    comfy_aimdo.control.init()
    import comfy.memory_management
    import comfy.model_patcher

    comfy.memory_management.aimdo_enabled = True
    comfy.model_patcher.CoreModelPatcher = comfy.model_patcher.ModelPatcherDynamic


if __name__ == "__main__":
    threading.Thread(target=_leave_with_starter, daemon=True).start()
    del sys.argv[0]
    is_dynamic = sys.argv[0] == "--dynamic-vram"
    if is_dynamic:
        del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    if is_dynamic:
        _assign_dynamic_vram()
    runpy.run_path(sys.argv[0], run_name="__main__")
