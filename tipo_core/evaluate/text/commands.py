"""The command text: expand real requests and measure the added tags and captions.

torch is imported when the command runs, so that --help is quick.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...lm.generate.engine import LlamaLanguageModel
    from .answers import ExpandedText

_LENGTHS = ("very_short", "short", "long", "very_long")
_NANO = "tipo-nano"


def add_text(commands: Any) -> None:
    """Add the command to a parser's subparsers."""
    text = commands.add_parser("text", help="expand requests and count the faults of the additions")
    source = text.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--requests", type=Path, metavar="FILE", help='JSON list of {"kind", "text", "persons"}'
    )
    source.add_argument(
        "--answers", type=Path, metavar="FILE", help="measure the answers of an earlier --json"
    )
    text.add_argument("--model", default=_NANO, help=f"{_NANO}, a folder or a .gguf (%(default)s)")
    text.add_argument("--length", choices=_LENGTHS, default="short", help="(%(default)s)")
    text.add_argument("--seeds", type=int, default=3, help="answers per request (%(default)s)")
    text.add_argument(
        "--scorer", metavar="MODEL", help="a general language model that judges relevance"
    )
    text.add_argument("--csv", type=Path, metavar="FILE", help="write one row per answer")
    text.add_argument("--json", action="store_true", help="print JSON, with all answers")
    text.set_defaults(report=_text)


def _text(arguments: argparse.Namespace) -> str:
    from .measure_rows import measure_answers
    from .text_output import markdown_table, measures_json, write_faults

    if arguments.seeds < 1:
        raise ValueError(f"--seeds is {arguments.seeds}: give 1 or more")
    answers, recipe = _answers(arguments)
    scorer = _load(arguments.scorer) if arguments.scorer else None
    measures = measure_answers(answers, scorer, _counter("scored"))
    if arguments.csv is not None:
        write_faults(arguments.csv, measures)
    return measures_json(measures, recipe) if arguments.json else markdown_table(measures)


def _answers(arguments: argparse.Namespace) -> tuple[list[ExpandedText], dict[str, Any]]:
    from ...expansion.tasks import Length
    from .answers import expand_all, read_answers
    from .text_requests import read_requests

    if arguments.answers is not None:
        return read_answers(arguments.answers), {"answers": arguments.answers.name}
    requests = read_requests(arguments.requests)
    model = _load(arguments.model)
    length, seeds = Length(arguments.length), arguments.seeds
    is_nano = arguments.model == _NANO
    answers = expand_all(model, requests, length, seeds, is_nano, _counter("expanded"))
    return answers, {"model": arguments.model, "length": length.value, "seeds": seeds}


def _load(name: str) -> LlamaLanguageModel:
    from ...lm.generate.sampling_options import SamplingOptions
    from ...lm.hub.local_model import load_local

    return load_local(name, SamplingOptions())


def _counter(done: str) -> Callable[[int], None]:
    import logging

    log = logging.getLogger("tipo-suite")
    return lambda count: log.info("%s %d", done, count) if count % 20 == 0 else None
