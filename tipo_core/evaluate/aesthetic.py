"""Scores of a linear aesthetic predictor: a linear head on normalised image embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ..lm.files.safetensors_file import SafetensorsWeights

_FORM = "a safetensors file with `weight` (1, D) and `bias` (1)"


@dataclass(frozen=True)
class LinearHead:
    """A linear layer with one output: `weight` (D,) in float64 and `bias`."""

    weight: torch.Tensor
    bias: float

    def scores(self, features: torch.Tensor) -> torch.Tensor:
        """Return the scores (N,), float64, of embeddings (N, D).

        Embeddings are scaled to length 1 first, as for LAION's predictors. Raises ValueError
        where D is not that of the head.
        """
        dimensions = features.shape[1]
        if dimensions != self.weight.numel():
            raise ValueError(
                f"the head takes embeddings of {self.weight.numel()} dimensions, these have "
                f"{dimensions}: choose with --features the model that the head was trained on"
            )
        directions = torch.nn.functional.normalize(features.to(torch.float64), dim=1)
        return directions @ self.weight + self.bias


def load_head(path: Path) -> LinearHead:
    """Return the head in `path`: `weight` (1, D) and `bias` (1).

    Raises FileNotFoundError, or ValueError for other tensors; both name the file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no head {path}: give {_FORM}")
    weights = SafetensorsWeights(path)
    shapes = dict(weights.shapes)
    weight = shapes.get("weight", ())
    if shapes != {"weight": (1, *weight[1:]), "bias": (1,)} or len(weight) != 2 or 0 in weight:
        raise ValueError(f"{path} holds {_listed(shapes)}: give {_FORM}")
    read = {name: weights.read(name, torch.float64).to(torch.float64) for name in shapes}
    if not all(bool(one.isfinite().all()) for one in read.values()):
        raise ValueError(f"{path} holds NaN or infinite values: copy it again")
    return LinearHead(read["weight"][0].clone(), float(read["bias"]))


def _listed(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in list(shapes.items())[:8]) or "nothing"
