"""Run a script in ComfyUI's own Python, with the pack imported, and read the JSON it prints."""

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


def run_inside(
    host: Host,
    script: str,
    base: Path,
    extra: Path | str = "",
    environ: Mapping[str, str] | None = None,
) -> Any:
    """Return the JSON on the last line that a script prints; `extra` is its argument.

    `script` is a path below this folder, `base` becomes ComfyUI's base directory.
    """
    command = [host.python, HERE / "start_inside.py", HERE / script, host.tree, base]
    answer = subprocess.run(
        [
            *(str(part) for part in (*command, this_checkout().root, extra)),
            str(DYNAMIC) if host.has_dynamic_vram else "",
        ],
        capture_output=True,
        text=True,
        timeout=600,
        # More threads would wait for each other on a busy machine.
        env=os.environ | {"OMP_NUM_THREADS": "1"} | dict(environ or {}),
        cwd=base,
    )
    assert answer.returncode == 0, answer.stderr[-3000:]
    return json.loads(answer.stdout.strip().splitlines()[-1])
