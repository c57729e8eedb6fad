"""tipo-nano, the small language model that ships: train it, measure it, fill in its card.

    python -m lab.nano train --data CORPORA --out RUN
    python -m lab.nano evaluate --data CORPORA --model RUN > report.json
    python -m lab.nano card NAME=report.json --curve RUN/training.csv --card README.md

The defaults of `train` made the weights that ship. `lab/README.md` lists the corpora.
"""

from __future__ import annotations

import argparse
import csv
import logging
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

_INTERRUPTED = 130  # exit code: 128 + SIGINT
# Options of `evaluate`: the default number of each kind that it measures, and the help text.
_COUNTS = {
    "requests": (2000, "requests over all tasks and lengths"),
    "continued": (600, "tag lists continued, for relevance"),
    "expansions": (100, "expansions of tags to tags and a caption"),
    "toy": (150, "expansions in the words of toy-sd"),
    "varied": (400, "expansions of which four variants are compared"),
    "texts": (600, "held-out records, and as many photo captions"),
    "safety": (50_000, "raw answers checked for unsafe text"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and run the command; return the exit code."""
    from .train_nano import NanoRecipe

    parser = argparse.ArgumentParser(
        prog="python -m lab.nano",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train on the corpora; a stopped run continues")
    train.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    train.add_argument("--out", type=Path, required=True, help="folder for the model")
    train.add_argument("--from", dest="start", type=Path, help="folder of a model to go on from")
    for entry in fields(NanoRecipe):
        option = f"--{entry.name.replace('_', '-')}"
        kind = type(entry.default)
        train.add_argument(option, type=kind, default=entry.default, help="(%(default)s)")
    train.set_defaults(run=_train)
    evaluate = commands.add_parser("evaluate", help="form, content, variety and safety of answers")
    evaluate.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    evaluate.add_argument("--model", type=Path, help="folder (default: the shipped model)")
    for name, (count, text) in _COUNTS.items():
        evaluate.add_argument(f"--{name}", type=int, default=count, help=f"{text} (%(default)s)")
    evaluate.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    evaluate.add_argument("--threads", type=int, default=0, help="CPU threads (0: torch's default)")
    evaluate.set_defaults(run=_evaluate)
    card = commands.add_parser("card", help="reports of `evaluate` as parts of a model card")
    card.add_argument("reports", nargs="+", metavar="NAME=FILE", help="a column and its report")
    card.add_argument("--curve", type=Path, help="training.csv of the last report's model")
    card.add_argument("--card", type=Path, help="print this card with its parts filled in")
    card.set_defaults(run=_card)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        sys.stdout.write(given.run(given))
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return _INTERRUPTED
    except (ValueError, OSError, RuntimeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _train(arguments: argparse.Namespace) -> str:
    from .train_nano import NanoRecipe, train_nano

    recipe = {entry.name: getattr(arguments, entry.name) for entry in fields(NanoRecipe)}
    train_nano(arguments.data, arguments.out, NanoRecipe(**recipe), arguments.start)
    return ""


def _evaluate(arguments: argparse.Namespace) -> str:
    import torch

    from tipo_core.lm.files.model_files import ModelFiles
    from tipo_core.lm.hub.catalog import shipped_model

    from .measures.held_out_requests import Counts, ask
    from .measures.nano_report import evaluate

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    files = ModelFiles(arguments.model) if arguments.model else shipped_model()
    counts = Counts(**{name: getattr(arguments, name) for name in _COUNTS if name != "safety"})
    asked = ask(arguments.data, counts, arguments.seed)
    return evaluate(files, asked, safety=arguments.safety, seed=arguments.seed).to_json()


def _card(arguments: argparse.Namespace) -> str:
    from .measures.model_card import curve, examples, filled_card, read_report, table

    named = [entry.partition("=") for entry in arguments.reports]
    wrong = [name for name, sign, _ in named if not sign]
    if wrong:
        raise ValueError(f"{wrong[0]!r} names no column: write NAME=FILE")
    reports = {name: read_report(Path(file)) for name, _, file in named}
    parts = {"figures": table(reports), "examples": examples(list(reports.values())[-1])}
    if arguments.curve:
        with arguments.curve.open(encoding="utf-8", newline="") as stream:
            parts["loss"] = curve(list(csv.DictReader(stream)))
    if arguments.card is None:
        return "\n".join(parts.values())
    return filled_card(arguments.card.read_text(encoding="utf-8"), parts)


if __name__ == "__main__":
    sys.exit(main())
