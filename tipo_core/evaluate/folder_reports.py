"""Reports on folders of pictures: Frechet distance, Vendi score, aesthetic scores."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from .aesthetic import load_head
from .chart import Chart, Series, histogram
from .extractors import Extractor, load_extractor
from .folder_features import FolderFeatures, Reading, folder_features
from .frechet import (
    PICTURES_PER_DIMENSION,
    Extrapolation,
    can_extrapolate,
    extrapolate,
    frechet_distance,
    gaussian,
)
from .vendi import score_of, vendi_spectrum

_log = logging.getLogger("tipo-suite")


Report = dict[str, Any]


@dataclass(frozen=True)
class FeatureModel:
    """The extractor of features by name, its device, and whether it may be downloaded."""

    name: str
    device: str = "auto"
    download: bool = False


@dataclass(frozen=True)
class OutputFiles:
    """Files that a report writes beside its numbers: one CSV row per picture, a chart."""

    csv: Path | None = None
    plot: Path | None = None


def frechet_report(
    real_folder: Path,
    drawn_folder: Path,
    model: FeatureModel,
    reading: Reading,
    files: OutputFiles = OutputFiles(),
    unit_length: bool = False,
) -> Report:
    """Return the Frechet distance of two folders, extrapolated too where there are enough pictures.

    With `unit_length`, features are scaled to length 1 first.
    """
    extractor, (real, drawn) = _read(model, reading, real_folder, drawn_folder)
    if files.csv:
        _write_csv(files.csv, "feature_norm", _norms(real) + _norms(drawn))
    name = extractor.name
    if unit_length:
        name += " of length 1"
        real, drawn = _of_unit_length(real), _of_unit_length(drawn)
    first, second = real.features, drawn.features
    dimensions = first.shape[1]
    warnings = [
        f"{side.folder} has {len(side.files)} pictures for {dimensions} dimensions: its "
        "covariance is not of full rank, and the distance is biased upwards"
        for side in (real, drawn)
        if len(side.files) <= dimensions
    ]
    distance = frechet_distance(gaussian(first), gaussian(second))
    line = extrapolate(first, second) if can_extrapolate(first, second) else None
    if line is None and not warnings:
        warnings.append(
            f"not extrapolated to infinitely many pictures: both folders need "
            f"{PICTURES_PER_DIMENSION} per dimension, {PICTURES_PER_DIMENSION * dimensions}"
        )
    if files.plot:
        _frechet_chart(name, real, drawn, line).save(files.plot)
    return _report(
        f"FD with {name}",
        distance,
        extractor,
        dimensions,
        {"real": real, "drawn": drawn},
        warnings,
        extrapolated=None if line is None else line.value,
    )


def vendi_report(
    folder: Path,
    model: FeatureModel,
    reading: Reading,
    files: OutputFiles = OutputFiles(),
) -> Report:
    """Return the Vendi score of a folder, from 1 to the number of pictures."""
    extractor, (side,) = _read(model, reading, folder)
    try:
        spectrum = vendi_spectrum(side.features)
    except ValueError as error:
        raise ValueError(f"{side.folder}: {error}; pictures count from 0 by name") from error
    score = score_of(spectrum)
    if files.csv:
        _write_csv(files.csv, "feature_norm", _norms(side))
    if files.plot:
        points = [(float(n), value) for n, value in enumerate(spectrum.cumsum(0).tolist(), 1)]
        Chart(
            f"Vendi score {score:.2f} of {len(side.files)} pictures",
            "largest eigenvalues",
            "share of the whole",
            [Series(side.folder.name, [(0.0, 0.0), *points], "line")],
        ).save(files.plot)
    return _report(
        f"Vendi score with {extractor.name}",
        score,
        extractor,
        side.features.shape[1],
        {"pictures": side},
        [],
        share_of_pictures=score / len(side.files),
    )


def aesthetic_report(
    folder: Path,
    head_file: Path,
    model: FeatureModel,
    reading: Reading,
    files: OutputFiles = OutputFiles(),
) -> Report:
    """Return mean, spread, smallest, median and largest score of a folder."""
    head = load_head(head_file)
    extractor, (side,) = _read(model, reading, folder)
    scores = head.scores(side.features)
    if files.csv:
        rows = zip(side.files, scores.tolist(), strict=True)
        _write_csv(files.csv, "score", [(side.folder, path, score) for path, score in rows])
    if files.plot:
        points, width = histogram(scores.tolist())
        Chart(
            f"mean {float(scores.mean()):.3f} of {len(side.files)} pictures",
            f"score of {head_file.name}",
            "pictures",
            [Series(side.folder.name, points, "bars", width)],
        ).save(files.plot)
    several = len(side.files) > 1
    return _report(
        f"mean score of {head_file.name} on {extractor.name}",
        float(scores.mean()),
        extractor,
        side.features.shape[1],
        {"pictures": side},
        [],
        standard_deviation=float(scores.std()) if several else None,
        smallest=float(scores.min()),
        median=float(scores.quantile(0.5)),
        largest=float(scores.max()),
    )


def _read(
    model: FeatureModel, reading: Reading, *folders: Path
) -> tuple[Extractor, list[FolderFeatures]]:
    for folder in folders:  # a wrong name is an error before a model is loaded
        if not folder.is_dir():
            raise FileNotFoundError(f"there is no folder {folder}: check the path")
    extractor = load_extractor(model.name, model.device, model.download)
    return extractor, [folder_features(folder, extractor, reading) for folder in folders]


def _report(
    metric: str,
    value: float,
    extractor: Extractor,
    dimensions: int,
    sides: dict[str, FolderFeatures],
    warnings: Sequence[str],
    **more: float | None,
) -> Report:
    for warning in warnings:
        _log.warning("%s", warning)
    skipped = sum(len(side.skipped) for side in sides.values())
    if skipped:
        _log.warning("pictures that could not be read and were skipped: %d", skipped)
    report: Report = {"metric": metric, "value": value, **more}
    report |= {"features": extractor.name, "dimensions": dimensions}
    for name, side in sides.items():
        report[name] = {
            "folder": str(side.folder),
            "count": len(side.files),
            "skipped": [{"file": str(path), "why": why} for path, why in side.skipped],
        }
    report["warnings"] = list(warnings)
    return report


def _of_unit_length(side: FolderFeatures) -> FolderFeatures:
    directions = torch.nn.functional.normalize(side.features.double(), dim=1)
    return replace(side, features=directions)


def _norms(side: FolderFeatures) -> list[tuple[Path, Path, float]]:
    norms = side.features.double().norm(dim=1).tolist()
    return [(side.folder, path, norm) for path, norm in zip(side.files, norms, strict=True)]


def _write_csv(path: Path, column: str, rows: Iterable[tuple[Path, Path, float]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("folder", "file", column))
        for folder, file, value in rows:
            writer.writerow((folder, file.relative_to(folder).as_posix(), f"{value:.9g}"))


def _frechet_chart(
    name: str, real: FolderFeatures, drawn: FolderFeatures, line: Extrapolation | None
) -> Chart:
    """Return the extrapolation as a chart; without one, both folders in two dimensions (PCA)."""
    if line is not None:
        widest = max(inverse for inverse, _ in line.points)
        ends = [(0.0, line.value), (widest, line.value + line.slope * widest)]
        points = Series("shares of the pictures", line.points)
        fitted = Series(f"line, {line.value:.4g} at 0", ends, "line")
        return Chart(f"FD with {name}", "1 / share of the pictures", "FD", [points, fitted])
    both = torch.cat([real.features, drawn.features]).double()
    centred = both - both.mean(0)
    axes = torch.linalg.svd(centred, full_matrices=False).Vh[:2].T
    places = centred @ axes
    if places.shape[1] < 2:
        places = torch.cat([places, torch.zeros(len(places), 2 - places.shape[1])], dim=1)
    pairs = [(x, y) for x, y in places.tolist()]
    count = len(real.files)
    return Chart(
        f"the two directions in which {name} varies most",
        "first principal component",
        "second",
        [
            Series(f"real: {real.folder.name}", pairs[:count]),
            Series(f"drawn: {drawn.folder.name}", pairs[count:]),
        ],
    )
