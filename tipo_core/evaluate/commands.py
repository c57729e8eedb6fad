"""The command line for folders of pictures; nothing heavy is imported before a command runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

DINO = "facebook/dinov2-base"
CLIP = "openai/clip-vit-large-patch14"
FORMS = (
    "a Hugging Face model for transformers or the folder of one, timm:NAME (a model of timm; "
    "timm:NAME@FILE with its weights from a safetensors file of yours), or pixels:SIDE (the "
    "colours of the picture shrunk to SIDE x SIDE; needs no model)"
)
HEAD_FORM = "a safetensors file with `weight` (1, D) and `bias` (1), D the length of an embedding"
UNIT_LENGTH = "scale features to length 1, so that models of several sizes can be compared"


def add_commands(commands: Any) -> None:
    """Add the three commands to a parser's subparsers."""
    frechet = commands.add_parser("frechet", help="distance of drawn pictures from real ones")
    frechet.add_argument("real", type=Path, help="folder with the pictures to compare with")
    frechet.add_argument("drawn", type=Path, help="folder with the pictures to judge")
    frechet.add_argument("--unit-length", action="store_true", help=UNIT_LENGTH)
    _add_common(frechet, DINO)
    frechet.set_defaults(report=_frechet)
    vendi = commands.add_parser("vendi", help="variety: how many different pictures it is worth")
    vendi.add_argument("folder", type=Path, help="folder with the pictures")
    _add_common(vendi, DINO)
    vendi.set_defaults(report=_vendi)
    aesthetic = commands.add_parser("aesthetic", help="scores of a linear aesthetic predictor")
    aesthetic.add_argument("folder", type=Path, help="folder with the pictures")
    aesthetic.add_argument("--head", type=Path, required=True, metavar="FILE", help=HEAD_FORM)
    _add_common(aesthetic, CLIP)
    aesthetic.set_defaults(report=_aesthetic)


def _add_common(sub: argparse.ArgumentParser, features: str) -> None:
    add_reading(sub, features)
    sub.add_argument("--limit", type=int, default=0, help="the first N of a folder (0: all)")
    sub.add_argument("--cache", type=Path, metavar="FOLDER", help="keep features for the next run")
    sub.add_argument("--csv", type=Path, metavar="FILE", help="write a row a picture")
    sub.add_argument("--plot", type=Path, metavar="FILE", help="draw a chart (.png)")


def add_reading(sub: argparse.ArgumentParser | argparse._ArgumentGroup, features: str) -> None:
    """Add how features are computed; `features` is what they are by default."""
    sub.add_argument("--features", default=features, metavar="NAME", help=f"{FORMS} (%(default)s)")
    sub.add_argument("--download", action="store_true", help="fetch a model that is not here")
    sub.add_argument("--batch", type=int, default=32, help="pictures at once (%(default)s)")
    sub.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ... (%(default)s)")
    sub.add_argument("--strict", action="store_true", help="a picture that is broken is an error")


def _frechet(arguments: argparse.Namespace) -> str:
    from .folder_reports import frechet_report

    return frechet_report(arguments)


def _vendi(arguments: argparse.Namespace) -> str:
    from .folder_reports import vendi_report

    return vendi_report(arguments)


def _aesthetic(arguments: argparse.Namespace) -> str:
    from .folder_reports import aesthetic_report

    return aesthetic_report(arguments)
