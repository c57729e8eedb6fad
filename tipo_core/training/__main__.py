"""python -m tipo_core.training: train the language model that ships with the pack."""

from __future__ import annotations

import argparse
import logging
from dataclasses import fields
from pathlib import Path

from .train import Recipe, train


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m tipo_core.training", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    for entry in fields(Recipe):
        kind = type(entry.default)
        option = f"--{entry.name.replace('_', '-')}"
        parser.add_argument(option, type=kind, default=entry.default, help="(%(default)s)")
    arguments = vars(parser.parse_args())
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    train(arguments.pop("data"), arguments.pop("out"), Recipe(**arguments))


if __name__ == "__main__":
    main()
