"""The demo's checkpoint: toy-sd, made once from its packed weights in the host's Python."""

from __future__ import annotations

import hashlib
from pathlib import Path

from devkit.messages import StepError, step
from devkit.setup.environment import check_free_space, write_atomically
from devkit.setup.host import Host
from devkit.setup.layout import Layout
from devkit.setup.run_tool import run_tool

NAME = "toy-sd.safetensors"
MAKE = "make toy-sd's checkpoint"
STYLES = ("landscape", "planet", "critter", "potted plant")
NOTICE = (
    "toy-sd draws landscapes, planets, critters and potted plants only: begin the prompt with "
    "one of these words (docs/toy-sd.md), or pass --checkpoint NAME for your own checkpoint"
)
# The line that tells tipo-nano to write for toy-sd; the prompt does not contain it.
METADATA = "artist: toy-sd"
PACKED = Path("devkit", "assets", NAME)
MAKER = "devkit/setup/make_checkpoint.py"
# The checkpoint is made again after a change of any of these.
SOURCES = (
    MAKER,
    *(f"lab/toy_sd/model/{name}.py" for name in ("packing", "text_tower", "counter_random")),
)


def ensure_toy_sd(layout: Layout, host: Host) -> Path:
    """Return the path of the checkpoint; make it if it is missing or out of date.

    Raises StepError if the checkout lacks the packed weights.
    """
    target = layout.checkpoints / NAME
    packed = layout.root / PACKED
    if not packed.is_file():
        raise StepError(MAKE, f"{packed} is missing", f"restore it: git checkout -- {PACKED}")
    made_by = hashlib.sha256(packed.read_bytes())
    for name in SOURCES:
        made_by.update((layout.root / name).read_bytes())
    stamp = layout.host / "toy-sd-made-by.txt"
    if target.exists() and stamp.exists() and stamp.read_text("utf-8") == made_by.hexdigest():
        return target
    check_free_space(MAKE, layout.root, 0.5)
    partial = layout.checkpoints / f"{NAME}.partial"
    with step(MAKE):
        layout.checkpoints.mkdir(parents=True, exist_ok=True)
        maker = layout.root / MAKER
        run_tool(MAKE, [host.python, maker, packed, partial])
        partial.replace(target)
    write_atomically(stamp, made_by.hexdigest())
    return target


def can_draw(prompt: str) -> bool:
    """Return whether a prompt names one of toy-sd's four kinds of picture."""
    return any(style in prompt.lower() for style in STYLES)
