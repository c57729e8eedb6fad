"""The command `protocol`: its options, and the run from these to pictures and measures.

torch is imported when the command runs, so that --help is quick.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...comfy_api.api_graph import GraphError, apply_settings, load_graph
from ...comfy_api.http_client import Graph, HttpClient
from ..commands import (
    CLIP,
    DINO,
    HEAD_HELP,
    UNIT_LENGTH_HELP,
    add_reading,
    feature_model,
    reading,
)
from .arms import ARMS, Arms
from .draw import Run, draw
from .prompts import Cut, prompts_of
from .workflow import OPTIONS, published_workflow, set_options

if TYPE_CHECKING:
    from .arm_measures import Measures

_TESTS = {
    "scenery": (32_768, "tags", "tags that describe no content, and `scenery`"),
    "short": (10_000, "caption", "short captions"),
    "truncated": (10_000, "caption", "the first sentences of long captions"),
}
SERVER = "http://127.0.0.1:8188"


def add_protocol(commands: Any) -> None:
    """Add `protocol` and its tests to a parser's subparsers."""
    protocol = commands.add_parser("protocol", help="draw with and without TIPO, and compare")
    tests = protocol.add_subparsers(dest="test", required=True)
    for name, (count, field, text) in _TESTS.items():
        test = tests.add_parser(name, help=text)
        test.add_argument("--out", type=Path, required=True, help="folder of the run; resumed")
        test.add_argument(
            "--prompts",
            type=Path,
            required=name != "scenery",
            metavar="FILE",
            help="a .txt with one prompt per line, a .csv, or a folder of pictures with .txt files"
            + (" (without it: the tag `scenery` alone)" if name == "scenery" else ""),
        )
        test.add_argument("--column", metavar="NAME", help="the column of a .csv")
        if name == "truncated":
            cut = test.add_mutually_exclusive_group()
            cut.add_argument("--sentences", type=int, default=2, help="kept (%(default)s)")
            cut.add_argument("--words", type=int, default=0, help="kept, in place of sentences")
        test.add_argument("--count", type=int, default=count, help="prompts (%(default)s)")
        test.add_argument("--seed", type=int, default=0, help="of the first prompt (%(default)s)")
        test.add_argument(
            "--field",
            choices=("tags", "caption", "short", "long"),
            default=field,
            help="the input of the TIPO node that takes a prompt (%(default)s)",
        )
        _add_drawing(test.add_argument_group("drawing"))
        _add_measuring(test.add_argument_group("measuring"))
        test.set_defaults(report=_protocol, when_interrupted=": the same command continues the run")


def _add_drawing(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--server", default=SERVER, metavar="URL", help="(%(default)s)")
    group.add_argument("--at-once", type=int, default=4, help="prompts queued (%(default)s)")
    group.add_argument(
        "--workflow",
        type=Path,
        metavar="FILE",
        help="your own graph, from File > Export (API) (default: the pack's text-to-image)",
    )
    group.add_argument("--expander", metavar="NODE", help="the TIPO node, where there are several")
    group.add_argument("--checkpoint", metavar="NAME", help="as the server's menu has it")
    group.add_argument("--tipo-model", metavar="NAME", help="as the server's menu has it")
    for name, kind in (("width", int), ("height", int), ("steps", int), ("cfg", float)):
        group.add_argument(f"--{name}", type=kind)
    group.add_argument("--sampler", metavar="NAME")
    group.add_argument("--scheduler", metavar="NAME")
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NODE.INPUT=VALUE",
        help="any input of the workflow; NODE is an id, a title or a type; repeatable",
    )


def _add_measuring(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--draw-only", action="store_true", help="measure nothing")
    group.add_argument("--real", type=Path, metavar="FOLDER", help="real pictures: adds frechet")
    group.add_argument(
        "--unit-length",
        action=argparse.BooleanOptionalAction,
        default=True,
        help=f"frechet: {UNIT_LENGTH_HELP}, as published",
    )
    group.add_argument("--head", type=Path, metavar="FILE", help=f"adds aesthetic: {HEAD_HELP}")
    group.add_argument(
        "--head-features", default=CLIP, metavar="NAME", help="what the head reads (%(default)s)"
    )
    group.add_argument(
        "--cache", type=Path, metavar="FOLDER", help="keep features there (default: in --out)"
    )
    add_reading(group, DINO)


def _protocol(arguments: argparse.Namespace) -> str:
    """Draw the missing pictures, measure both arms, and return the table."""
    client = HttpClient(arguments.server)
    cut = Cut(getattr(arguments, "sentences", 2), getattr(arguments, "words", 0))
    prompts = prompts_of(arguments.test, arguments.prompts, arguments.count, cut, arguments.column)
    arms = Arms.of(_workflow(arguments), arguments.field, arguments.expander)
    measures = None if arguments.draw_only else _measures(arguments)
    drawn = draw(
        Run(arguments.test, prompts, arguments.seed, arms),
        client,
        arguments.out,
        arguments.at_once,
    )
    total = len(ARMS) * len(prompts)
    head = f"{total} pictures in {arguments.out}, {drawn} of them drawn now\n"
    if measures is None:
        return head
    from .arm_measures import measure

    return head + measure(arguments.out, arguments.test, measures)


def _workflow(arguments: argparse.Namespace) -> Graph:
    """Return the workflow with the options of the command line. Raises GraphError."""
    if arguments.workflow is None:
        graph = published_workflow(arguments.field)
        if arguments.checkpoint is None:
            raise GraphError(
                "no checkpoint is given", "name one with --checkpoint, or give a --workflow"
            )
    else:
        graph = load_graph(arguments.workflow)
    set_options(graph, {name: getattr(arguments, name) for name in OPTIONS})
    apply_settings(graph, arguments.set)
    return graph


def _measures(arguments: argparse.Namespace) -> Measures:
    """Return the measures of the command line, checked before a day of drawing."""
    from .arm_measures import Measures, check

    measures = Measures(
        feature_model(arguments),
        reading(arguments, 0, arguments.cache or arguments.out / "features"),
        real=arguments.real,
        unit_length=arguments.unit_length,
        head=arguments.head,
        head_model=feature_model(arguments, arguments.head_features),
    )
    check(measures)
    return measures
