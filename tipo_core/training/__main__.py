"""Train a TIPO model on tags and captions of your own.

The samples are a JSON Lines file, one picture per line, with tags and a caption:

    {"tags": ["1girl", "solo", "red hat"], "caption": "A girl wears a red hat. She is smiling."}

`tipo_core/training/sample.py` lists all keys. The folder that comes out has the layout of Hugging
Face and opens with Load TIPO Model. Give some ten thousand samples; a few hundred only show that
the command runs. The same command continues a run that was stopped.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and train; return the exit code."""
    from .sample import read_samples
    from .train import Recipe, train

    parser = argparse.ArgumentParser(
        prog="python -m tipo_core.training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--samples", type=Path, required=True, help="JSON Lines file of samples")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    parser.add_argument(
        "--from", dest="start", type=Path, help="folder of a model to go on from (none: a new one)"
    )
    for entry in fields(Recipe):
        option = f"--{entry.name.replace('_', '-')}"
        kind = type(entry.default)
        parser.add_argument(option, type=kind, default=entry.default, help="(%(default)s)")
    given = vars(parser.parse_args(arguments))
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        samples = read_samples(given.pop("samples"))
        train(samples, given.pop("out"), start=given.pop("start"), recipe=Recipe(**given))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
