"""The command text: expand real requests and measure the added tags and captions.

torch is imported when the command runs, so that --help is quick.
"""

from __future__ import annotations

import argparse
import sys
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
    """Measure, print the report, then write the CSV file: a full disk does not lose the report."""
    from .measure_rows import measure_answers
    from .text_output import check_csv, markdown_table, measures_json, write_faults

    # 1) a wrong input is an error before the work
    if arguments.seeds < 1:
        raise ValueError(f"--seeds is {arguments.seeds}: give 1 or more")
    expanded = _answers(arguments)
    if arguments.csv is not None:
        check_csv(arguments.csv, arguments.requests or arguments.answers)
    scorer, warnings = _scorer(arguments)
    # 2) the work
    answers, recipe = expanded()
    if warnings:
        recipe["warnings"] = warnings
    measures = measure_answers(answers, scorer, _counter("scored"))
    # 3) the report
    report = measures_json(measures, recipe) if arguments.json else markdown_table(measures)
    sys.stdout.write(report)
    sys.stdout.flush()
    if arguments.csv is not None:
        write_faults(arguments.csv, measures)
    return ""


_Answers = tuple[list["ExpandedText"], dict[str, Any]]


def _answers(arguments: argparse.Namespace) -> Callable[[], _Answers]:
    """Read the input; return a function that gives the answers and how they were made."""
    from ...expansion.tasks import Length
    from .answers import expand_all, read_answers
    from .text_requests import read_requests

    if arguments.answers is not None:
        read = read_answers(arguments.answers)
        return lambda: (read, {"answers": arguments.answers.name})
    requests = read_requests(arguments.requests)

    def expanded() -> _Answers:
        model = _load(arguments.model)
        length, seeds = Length(arguments.length), arguments.seeds
        is_nano = arguments.model == _NANO
        answers = expand_all(model, requests, length, seeds, is_nano, _counter("expanded"))
        return answers, {"model": arguments.model, "length": length.value, "seeds": seeds}

    return expanded


def _scorer(arguments: argparse.Namespace) -> tuple[LlamaLanguageModel | None, list[str]]:
    """Load the scorer, and return warnings about it, which are logged too."""
    import logging

    from .scorer import is_tipo_model

    name = arguments.scorer
    if not name:
        return None, []
    if name != _NANO and not Path(name).exists():
        raise ValueError(
            f"--scorer {name!r} does not exist: give the folder of a general language model, or a "
            ".gguf file"
        )
    try:
        scorer = _load(name)
    except (ValueError, OSError, RuntimeError) as error:
        raise ValueError(f"--scorer {name!r} cannot be loaded: {error}") from error
    warnings = []
    is_own = arguments.answers is None and _same_model(name, arguments.model)
    if is_own or is_tipo_model(scorer):
        what = "the model under test" if is_own else "a TIPO model"
        warnings.append(
            f"the scorer {name!r} is {what}, which prefers what it writes itself: give a general "
            "language model"
        )
    for warning in warnings:
        logging.getLogger("tipo-suite").warning("warning: %s", warning)
    return scorer, warnings


def _same_model(one: str, other: str) -> bool:
    if one == other or _NANO in (one, other):
        return one == other
    return Path(one).resolve() == Path(other).resolve()


def _load(name: str) -> LlamaLanguageModel:
    from ...lm.generate.sampling_options import SamplingOptions
    from ...lm.hub.local_model import load_local

    return load_local(name, SamplingOptions())


def _counter(done: str) -> Callable[[int], None]:
    import logging

    log = logging.getLogger("tipo-suite")
    return lambda count: log.info("%s %d", done, count) if count % 20 == 0 else None
