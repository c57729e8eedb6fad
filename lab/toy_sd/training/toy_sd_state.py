"""The state of a training run, from which it continues: weights, means, optimizer moments."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from tipo_core.recipe import note_recipe


def write(tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write a safetensors file in one step, so that a stopped run leaves no partial file."""
    part = path.with_name(path.name + ".part")
    save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, part)
    os.replace(part, path)


def keep(
    path: Path, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer, step: int
) -> None:
    """Save modules and optimizer after `step` steps in one file."""
    tensors = {
        f"{key}/{name}": value
        for key, module in modules.items()
        for name, value in module.state_dict().items()
    }
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{number}/{name}": value for name, value in state.items()}
    tensors["step"] = torch.tensor(step)
    write(tensors, path)


def resume(path: Path, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer) -> int:
    """Load the state that `keep` saved; return the number of steps done (0 without a state)."""
    if not path.exists():
        return 0
    tensors = load_file(path)
    step = int(tensors.pop("step"))
    for key, module in modules.items():
        start = f"{key}/"
        module.load_state_dict(
            {n.removeprefix(start): t for n, t in tensors.items() if n.startswith(start)}
        )
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer/"):
            _, number, part = name.split("/")
            state.setdefault(int(number), {})[part] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return step


def same_recipe(path: Path, recipe: Mapping[str, Any]) -> None:
    """Write a run's recipe; raise ValueError if the folder holds a run by another one.

    The number of steps, of threads and workers, and the times of output may differ.
    """
    free = {"steps", "vae_steps", "threads", "workers", "cfg", "grid_steps"}
    free |= {name for name in recipe if name.endswith("_every")}
    # A name that only one of the two has belongs to another version of the recipe.
    note_recipe(
        path,
        recipe,
        lambda name, before: name in free or name not in before or name not in recipe,
    )


def digest(path: Path) -> str:
    """Return the first 16 hexadecimal digits of a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
