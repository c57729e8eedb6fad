"""The command line of `protocol`; nothing heavy is imported before it runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..commands import CLIP, DINO, HEAD_FORM, UNIT_LENGTH, add_reading

_TESTS = {
    "scenery": (32_768, "tags", "tags that are about no content, and `scenery`"),
    "short": (10_000, "caption", "short captions"),
    "truncated": (10_000, "caption", "the first sentences of long captions"),
}
SERVER = "http://127.0.0.1:8188"


def add_protocol(commands: Any) -> None:
    """Add `protocol` and its tests to a parser's subparsers."""
    protocol = commands.add_parser("protocol", help="draw with and without TIPO, and compare")
    tests = protocol.add_subparsers(dest="test", required=True)
    for name, (count, field, what) in _TESTS.items():
        test = tests.add_parser(name, help=what)
        test.add_argument("--out", type=Path, required=True, help="folder of the run; resumed")
        test.add_argument(
            "--prompts",
            type=Path,
            required=name != "scenery",
            metavar="FILE",
            help="a .txt with a prompt a line, a .csv, or a folder of pictures with .txt files"
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
        test.set_defaults(
            report=_protocol, when_interrupted=": the same command goes on where this one stopped"
        )


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
        help=f"frechet: {UNIT_LENGTH}, as published",
    )
    group.add_argument("--head", type=Path, metavar="FILE", help=f"adds aesthetic: {HEAD_FORM}")
    group.add_argument(
        "--head-features", default=CLIP, metavar="NAME", help="what the head reads (%(default)s)"
    )
    group.add_argument(
        "--cache", type=Path, metavar="FOLDER", help="keep features there (default: in --out)"
    )
    add_reading(group, DINO)


def _protocol(arguments: argparse.Namespace) -> str:
    from .command import run

    return run(arguments)
