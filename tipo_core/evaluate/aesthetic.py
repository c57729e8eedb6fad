"""Scores of a linear aesthetic predictor: a head on the direction of a picture's embedding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ..lm.files.safetensors_file import SafetensorsWeights
from .commands import HEAD_FORM


@dataclass(frozen=True)
class LinearHead:
    """`weight` (D,) in float64 and `bias`."""

    weight: torch.Tensor
    bias: float

    def scores(self, features: torch.Tensor) -> torch.Tensor:
        """Return a score (N,) for each embedding (N, D), float64.

        Embeddings are scaled to length 1 first, as for LAION's predictors. Raises ValueError
        where D is another one.
        """
        dimensions = features.shape[1]
        if dimensions != self.weight.numel():
            raise ValueError(
                f"the head takes embeddings of {self.weight.numel()} numbers, these have "
                f"{dimensions}: choose with --features the model that the head was trained on"
            )
        directions = torch.nn.functional.normalize(features.to(torch.float64), dim=1)
        return directions @ self.weight + self.bias


def load_head(path: Path) -> LinearHead:
    """Return the head in `path`. Raises ValueError, which names the file, for another form."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no head {path}: give {HEAD_FORM}")
    weights = SafetensorsWeights(path)
    shapes = dict(weights.shapes)
    weight = shapes.get("weight", ())
    if shapes != {"weight": (1, *weight[1:]), "bias": (1,)} or len(weight) != 2 or 0 in weight:
        raise ValueError(f"{path} holds {_listed(shapes)}: a head is {HEAD_FORM}")
    read = {name: weights.read(name, torch.float64).to(torch.float64) for name in shapes}
    if not all(bool(one.isfinite().all()) for one in read.values()):
        raise ValueError(f"{path} holds numbers that are not finite: copy it again")
    return LinearHead(read["weight"][0].clone(), float(read["bias"]))


def _listed(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in list(shapes.items())[:8]) or "nothing"
