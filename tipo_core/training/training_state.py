"""The state of a training run in its folder, from which a stopped run continues."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from ..lm.model.llama import Llama

log = logging.getLogger("tipo-suite")


def keep(
    out: Path,
    model: Llama,
    optimizers: list[torch.optim.Optimizer],
    progress: dict[str, Any],
) -> None:
    """Save weights, optimizer moments and `progress` for `resume`."""
    tensors = {f"model.{name}": weight for name, weight in model.state_dict().items()}
    for place, optimizer in enumerate(optimizers):
        for number, state in optimizer.state_dict()["state"].items():
            for name, value in state.items():
                tensors[f"optimizer.{place}.{number}.{name}"] = value
    save_file({n: t.detach().cpu().contiguous() for n, t in tensors.items()}, out / "training.part")
    os.replace(out / "training.part", out / "training.safetensors")
    text = json.dumps(progress, indent=2) + "\n"
    (out / "training.json").write_text(text, encoding="utf-8")


def resume(out: Path, model: Llama, optimizers: list[torch.optim.Optimizer]) -> tuple[int, int]:
    """Load the state that `keep` saved; return the steps and tokens done (0, 0 without a state)."""
    if not (out / "training.json").exists():
        return 0, 0
    progress = json.loads((out / "training.json").read_text(encoding="utf-8"))
    tensors = load_file(out / "training.safetensors")
    model.load_state_dict(
        {n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")}
    )
    for place, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith(f"optimizer.{place}."):
                *_, number, key = name.split(".")
                state.setdefault(int(number), {})[key] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    log.info("continuing after step %d", progress["step"])
    return int(progress["step"]), int(progress["tokens"])
