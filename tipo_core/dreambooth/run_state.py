"""The state of a training in one file, from which a stopped training goes on.

The file is safetensors: the tensors by name, and all else as JSON in its header. It is written
beside the old one and then takes its place, so a power cut leaves one of the two.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

_HEADER = "run"
_RECORDS = "records"
_TENSOR = "__tensor__"


@dataclass(frozen=True)
class RunState:
    """All that a training needs to go on after `step` steps; tensors are on the CPU.

    `records` are the rows of the loss curve, `optimizer` is the optimizer's state dict.
    """

    step: int
    records: list[list[float]]
    weights: dict[str, torch.Tensor]
    average: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    recipe: dict[str, Any]


def save_state(path: Path, state: RunState) -> None:
    """Write a state completely or not at all. Raises OSError with the path if the disk is full."""
    tensors: dict[str, torch.Tensor] = {}
    tree = _without_tensors(
        {"weights": state.weights, "average": state.average, "optimizer": state.optimizer},
        "",
        tensors,
    )
    tensors[_RECORDS] = torch.tensor(state.records, dtype=torch.float64)
    header = {"step": state.step, "recipe": state.recipe, "tree": tree}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_safetensors(path, tensors, {_HEADER: json.dumps(header)})


def write_safetensors(
    path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]
) -> None:
    """Write a safetensors file completely or not at all, replacing the old one."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        save_file(
            {name: one.detach().cpu().contiguous().clone() for name, one in tensors.items()},
            part,
            dict(metadata),
        )
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except (OSError, SafetensorError) as error:
        raise OSError(f"{path} cannot be written ({error}): free some space on the disk") from error
    finally:
        part.unlink(missing_ok=True)


def load_state(path: Path) -> RunState | None:
    """Return a saved state, None if there is no file. Raises ValueError for a damaged file."""
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            header = json.loads(file.metadata()[_HEADER])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        records = tensors.pop(_RECORDS).tolist()
        tree = _with_tensors(header["tree"], tensors)
        step = int(header["step"])
        if step < 0 or len(records) != step:
            raise ValueError(f"{len(records)} losses of {step} steps")
        return RunState(step=step, records=records, recipe=header["recipe"], **tree)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> ValueError:
    """Return the error of a state that cannot be used."""
    return ValueError(
        f"the saved training {path} is damaged ({type(error).__name__}: {error}): delete the file "
        "to start anew"
    )


def _without_tensors(value: Any, place: str, tensors: dict[str, torch.Tensor]) -> Any:
    """Return nested dicts and lists as JSON values; tensors move to `tensors` by their place."""
    if isinstance(value, torch.Tensor):
        tensors[place] = value
        return {_TENSOR: place}
    if isinstance(value, Mapping):
        # JSON has text keys only; an optimizer numbers its parameters.
        return {
            "keys": [[type(key).__name__, str(key)] for key in value],
            "values": [
                _without_tensors(one, f"{place}.{key}".lstrip("."), tensors)
                for key, one in value.items()
            ],
        }
    if isinstance(value, (list, tuple)):
        return {
            "tuple" if isinstance(value, tuple) else "list": [
                _without_tensors(one, f"{place}.{n}", tensors) for n, one in enumerate(value)
            ]
        }
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{place} of the optimizer's state is a {type(value).__name__}")


def _with_tensors(value: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    if not isinstance(value, dict):
        return value
    if _TENSOR in value:
        return tensors[value[_TENSOR]]
    if "keys" in value:
        keys = [int(key) if kind == "int" else key for kind, key in value["keys"]]
        values = (_with_tensors(one, tensors) for one in value["values"])
        return dict(zip(keys, values, strict=True))
    if "tuple" in value:
        return tuple(_with_tensors(one, tensors) for one in value["tuple"])
    return [_with_tensors(one, tensors) for one in value["list"]]
