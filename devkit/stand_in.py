"""The stand-in checkpoint under .host: made once, in the host's Python, which has torch."""

from __future__ import annotations

import hashlib
from pathlib import Path

from devkit.environment import check_free_space, write_atomically
from devkit.host import Host
from devkit.layout import Layout
from devkit.process import run_tool
from devkit.steps import step

NAME = "tipo-stand-in.safetensors"
MAKE = "make the stand-in checkpoint"
NOTICE = (
    "the stand-in checkpoint draws coloured noise; "
    "pass --checkpoint NAME to draw with a checkpoint of yours"
)


def ensure_stand_in(layout: Layout, host: Host) -> Path:
    """Return the path of the stand-in checkpoint; make it where it is not there or out of date."""
    target = layout.checkpoints / NAME
    recipe = Path(__file__).with_name("stand_in_weights.py")
    made_by = hashlib.sha256(recipe.read_bytes()).hexdigest()
    stamp = layout.host / "stand-in-recipe.txt"
    if target.exists() and stamp.exists() and stamp.read_text("utf-8") == made_by:
        return target
    check_free_space(MAKE, layout.root, 0.5)
    partial = layout.checkpoints / f"{NAME}.partial"
    with step(MAKE):
        layout.checkpoints.mkdir(parents=True, exist_ok=True)
        run_tool(MAKE, [host.python, recipe, partial])
        partial.replace(target)
    write_atomically(stamp, made_by)
    return target
