"""Run a script that ends with its starter, however the starter ends.

Usage: python launch.py [--dynamic-vram] SCRIPT ARGUMENTS…, with stdin a pipe that the starter holds
open. When the starter dies, even by SIGKILL, the system closes the pipe and this process exits. A
file of its own, with the standard library alone, since it runs in ComfyUI's Python.

--dynamic-vram turns DynamicVRAM on first, see dynamic_vram.py.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
from pathlib import Path


def _leave_with_starter() -> None:
    # Not sys.stdin: its lock would hang the interpreter's shutdown.
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_leave_with_starter, daemon=True).start()
    del sys.argv[0]
    is_dynamic = sys.argv[0] == "--dynamic-vram"
    if is_dynamic:
        del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    if is_dynamic:
        import comfy.options

        comfy.options.enable_args_parsing()
        runpy.run_path(str(Path(__file__).with_name("dynamic_vram.py")))["turn_on"]()
    runpy.run_path(sys.argv[0], run_name="__main__")
