"""python -m tipo_core.evaluate: measure a language model, the splitting of prompts, or pictures.

`protocol` draws the pictures too, on a ComfyUI server, with and without TIPO.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from .picture_arguments import add_commands
from .protocol.arguments import add_protocol

_INTERRUPTED = 130
# How much of each kind is measured, and what it is.
_NANO_COUNTS = {
    "requests": (2000, "requests over all tasks and lengths"),
    "continued": (600, "tag lists continued, for relevance"),
    "expansions": (100, "expansions of tags to tags and a caption"),
    "toy": (150, "expansions in the words of toy-sd"),
    "varied": (400, "expansions of which four variants are compared"),
    "texts": (600, "held-out records, and as many photo captions"),
    "safety": (50_000, "raw answers looked at for unsafe text"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, measure, print the report as JSON; return the exit code.

    What is wrong with the input is one line on standard error.
    """
    parser = argparse.ArgumentParser(prog="python -m tipo_core.evaluate", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    nano = commands.add_parser("nano", help="form, content, variety and safety of the answers")
    nano.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    nano.add_argument("--model", type=Path, help="the model's folder (default: the shipped one)")
    for name, (default, text) in _NANO_COUNTS.items():
        nano.add_argument(f"--{name}", type=int, default=default, help=f"{text} (%(default)s)")
    nano.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    nano.add_argument("--threads", type=int, default=0, help="0 = as many as torch likes")
    nano.set_defaults(report=_nano)
    card = commands.add_parser("nano-card", help="reports of `nano` as parts of a model card")
    card.add_argument(
        "reports", nargs="+", metavar="NAME=FILE", help="a column: its name, its JSON"
    )
    card.add_argument("--curve", type=Path, help="training.csv of the last one: its loss")
    card.add_argument("--card", type=Path, help="print this card with its parts filled in")
    card.set_defaults(report=_nano_card)
    split = commands.add_parser("split", help="tags and captions of mixed prompts told apart")
    split.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    split.add_argument("--prompts", type=int, default=5000, help="(%(default)s)")
    split.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    split.add_argument("--markdown", action="store_true", help="print tables, not JSON")
    split.set_defaults(report=_split)
    add_commands(commands)
    add_protocol(commands)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        report = given.report(given)
    except KeyboardInterrupt:
        kept = ": what is done is in the cache" if getattr(given, "cache", None) else ""
        kept = getattr(given, "when_interrupted", kept)
        sys.stderr.write(f"interrupted{kept}\n")
        return _INTERRUPTED
    except (ValueError, OSError, RuntimeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(report)
    return 0


def _nano(arguments: argparse.Namespace) -> str:
    import torch

    from ..lm.files.model_files import ModelFiles
    from ..lm.hub.catalog import shipped_model

    try:
        from lab.nano.measures.evaluate_nano import evaluate
        from lab.nano.measures.held_out_requests import Counts, ask
    except ModuleNotFoundError as error:
        if "tipo_core.training" not in str(error):
            raise
        raise ValueError(
            "nano measures with the rules that tipo-nano was made by (tipo_core/training), which "
            "only the repository has: run it in a clone"
        ) from error

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    files = ModelFiles(arguments.model) if arguments.model else shipped_model()
    counts = Counts(**{name: getattr(arguments, name) for name in _NANO_COUNTS if name != "safety"})
    asked = ask(arguments.data, counts, arguments.seed)
    return evaluate(files, asked, safety=arguments.safety, seed=arguments.seed).to_json()


def _nano_card(arguments: argparse.Namespace) -> str:
    import csv

    from lab.nano.measures.model_card import curve, examples, filled_card, read_report, table

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


def _split(arguments: argparse.Namespace) -> str:
    from lab.split.mixed_prompts import mixed_prompts, read_sources
    from lab.split.split_report import evaluate_split

    prompts = mixed_prompts(read_sources(arguments.data), arguments.prompts, arguments.seed)
    report = evaluate_split(prompts)
    return report.to_markdown() if arguments.markdown else report.to_json()


if __name__ == "__main__":
    sys.exit(main())
