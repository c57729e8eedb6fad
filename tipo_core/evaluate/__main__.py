"""python -m tipo_core.evaluate: measure a language model."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import torch

from ..lm.catalog import shipped_model
from ..lm.checkpoint import ModelFiles
from .nano import evaluate, held_out_requests


def main() -> None:
    """Read the command line, measure, print the report as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tipo_core.evaluate", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    nano = commands.add_parser("nano", help="form, length, variety and safety of the answers")
    nano.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    nano.add_argument("--model", type=Path, help="the model's folder (default: the shipped one)")
    nano.add_argument("--requests", type=int, default=2000, help="(%(default)s)")
    nano.add_argument("--safety", type=int, default=10_000, help="(%(default)s)")
    nano.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    nano.add_argument("--threads", type=int, default=0, help="0 = as many as torch likes")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    files = ModelFiles(arguments.model) if arguments.model else shipped_model()
    asked = held_out_requests(arguments.data, arguments.requests, arguments.seed)
    report = evaluate(files, asked, safety=arguments.safety, seed=arguments.seed)
    sys.stdout.write(report.to_json())


if __name__ == "__main__":
    main()
