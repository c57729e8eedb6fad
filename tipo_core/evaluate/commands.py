"""The commands on folders of pictures: frechet, vendi, aesthetic, subject.

Their help texts stand here. torch is imported when a command runs, so that --help is quick.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .folder_features import Reading
    from .folder_reports import FeatureModel, OutputFiles

DINO = "facebook/dinov2-base"
CLIP = "openai/clip-vit-large-patch14"
FEATURES_HELP = (
    "a Hugging Face model for transformers or the folder of one, timm:NAME (a model of timm; "
    "timm:NAME@FILE with its weights from a safetensors file of yours), or pixels:SIDE (the "
    "colours of the picture shrunk to SIDE x SIDE; needs no model)"
)
HEAD_HELP = "a safetensors file with `weight` (1, D) and `bias` (1), D the length of an embedding"
CACHE_HELP = "keep features for the next run"
CLASS_HELP = "pictures of the class that the trained model drew: the lower, the better it was kept"
UNIT_LENGTH_HELP = "scale features to length 1, so that models of several sizes can be compared"


def add_commands(commands: Any) -> None:
    """Add the commands to a parser's subparsers."""
    frechet = commands.add_parser("frechet", help="distance of drawn pictures from real ones")
    frechet.add_argument("real", type=Path, help="folder with the pictures to compare with")
    frechet.add_argument("drawn", type=Path, help="folder with the pictures to judge")
    frechet.add_argument("--unit-length", action="store_true", help=UNIT_LENGTH_HELP)
    _add_common(frechet, DINO, _frechet)
    vendi = commands.add_parser("vendi", help="variety: the effective number of pictures")
    vendi.add_argument("folder", type=Path, help="folder with the pictures")
    _add_common(vendi, DINO, _vendi)
    aesthetic = commands.add_parser("aesthetic", help="scores of a linear aesthetic predictor")
    aesthetic.add_argument("folder", type=Path, help="folder with the pictures")
    aesthetic.add_argument("--head", type=Path, required=True, metavar="FILE", help=HEAD_HELP)
    _add_common(aesthetic, CLIP, _aesthetic)
    subject = commands.add_parser("subject", help="likeness of a taught subject, as DreamBooth's")
    subject.add_argument("real", type=Path, help="folder with real pictures of the subject")
    subject.add_argument("drawn", type=Path, help="drawn ones, a subfolder for each prompt")
    subject.add_argument("--class", dest="of_class", type=Path, metavar="FOLDER", help=CLASS_HELP)
    add_reading(subject, DINO)
    subject.add_argument("--cache", type=Path, metavar="FOLDER", help=CACHE_HELP)
    subject.set_defaults(report=_subject)


def _add_common(
    sub: argparse.ArgumentParser, features: str, report: Callable[[argparse.Namespace], str]
) -> None:
    add_reading(sub, features)
    sub.add_argument("--limit", type=int, default=0, help="the first N of a folder (0: all)")
    sub.add_argument("--cache", type=Path, metavar="FOLDER", help=CACHE_HELP)
    sub.add_argument("--csv", type=Path, metavar="FILE", help="write one row per picture")
    sub.add_argument("--plot", type=Path, metavar="FILE", help="draw a chart (.png)")
    sub.set_defaults(report=report)


def add_reading(sub: argparse.ArgumentParser | argparse._ArgumentGroup, features: str) -> None:
    """Add the options that say how features are computed; `features` is the default model."""
    sub.add_argument(
        "--features", default=features, metavar="NAME", help=f"{FEATURES_HELP} (%(default)s)"
    )
    sub.add_argument("--download", action="store_true", help="fetch a model that is not here")
    sub.add_argument("--batch", type=int, default=32, help="pictures at a time (%(default)s)")
    sub.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ... (%(default)s)")
    sub.add_argument("--strict", action="store_true", help="stop at a broken picture")


def feature_model(arguments: argparse.Namespace, name: str | None = None) -> FeatureModel:
    """Return the model of --features, or another `name`, on --device."""
    from .folder_reports import FeatureModel

    return FeatureModel(name or arguments.features, arguments.device, arguments.download)


def reading(arguments: argparse.Namespace, limit: int, cache: Path | None) -> Reading:
    """Return how folders are read. Raises ValueError for numbers out of range."""
    from .folder_features import Reading

    return Reading(arguments.batch, limit, cache, arguments.strict)


def _common(arguments: argparse.Namespace) -> tuple[FeatureModel, Reading, OutputFiles]:
    from .folder_reports import OutputFiles

    how = reading(arguments, arguments.limit, arguments.cache)
    return feature_model(arguments), how, OutputFiles(arguments.csv, arguments.plot)


def _frechet(arguments: argparse.Namespace) -> str:
    from .folder_reports import frechet_report

    common = _common(arguments)
    return _json(frechet_report(arguments.real, arguments.drawn, *common, arguments.unit_length))


def _vendi(arguments: argparse.Namespace) -> str:
    from .folder_reports import vendi_report

    return _json(vendi_report(arguments.folder, *_common(arguments)))


def _aesthetic(arguments: argparse.Namespace) -> str:
    from .folder_reports import aesthetic_report

    return _json(aesthetic_report(arguments.folder, arguments.head, *_common(arguments)))


def _subject(arguments: argparse.Namespace) -> str:
    from .subject.folder_scores import subject_report

    how = reading(arguments, 0, arguments.cache)
    folders = (arguments.real, arguments.drawn, arguments.of_class)
    return _json(subject_report(*folders, feature_model(arguments), how))


def _json(report: dict[str, Any]) -> str:
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
