"""Measure how well mixed prompts are split into tags, captions, networks and the rest, and train.

python -m lab.split report --data CORPORA --markdown
python -m lab.split report --labels PROMPTS.jsonl.gz
python -m lab.split train --data CORPORA
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from tipo_core.prompt.split.split_weights import WEIGHTS_FILE, pack

from .labelled_prompts import evaluate_labelled, read_diffusion_labels, read_labelled_prompts
from .mixed_prompts import mixed_prompts, read_sources
from .split_report import evaluate_split


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and run its command; return the exit code."""
    given = _parser().parse_args(arguments)
    try:
        sys.stdout.write(_trained(given) if given.command == "train" else _report(given))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.split",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="measure the split")
    source = report.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="folder with the corpora")
    source.add_argument("--labels", type=Path, help="prompts labelled by hand")
    source.add_argument(
        "--written", type=Path, help="folder with the corpora: its prompts with shipped labels"
    )
    report.add_argument("--prompts", type=int, default=5000, help="(%(default)s)")
    report.add_argument("--markdown", action="store_true", help="print tables, not JSON")
    train = commands.add_parser("train", help="train the weights")
    train.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    train.add_argument("--prompts", type=int, default=40000, help="(%(default)s)")
    train.add_argument("--epochs", type=int, default=5, help="(%(default)s)")
    train.add_argument("--out", type=Path, default=WEIGHTS_FILE, help="(%(default)s)")
    for command in (report, train):
        command.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    return parser


def _report(given: argparse.Namespace) -> str:
    if given.labels:
        return evaluate_labelled(read_labelled_prompts(given.labels)).to_markdown()
    if given.written:
        return evaluate_labelled(read_diffusion_labels(given.written)).to_markdown()
    report = evaluate_split(mixed_prompts(read_sources(given.data), given.prompts, given.seed))
    return report.to_markdown() if given.markdown else report.to_json()


def _trained(given: argparse.Namespace) -> str:
    import torch

    from .split_training import train
    from .training_prompts import training_prompts

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)  # the sums are short: more threads would wait for each other
    weights = train(
        training_prompts(given.data, given.prompts, given.seed), given.epochs, given.seed
    )
    content = pack(weights)
    given.out.write_bytes(content)
    return f"{given.out}: {len(content):,} bytes\n"


if __name__ == "__main__":
    sys.exit(main())
