"""Both arms measured: the reports of frechet, vendi and aesthetic beside each other."""

from __future__ import annotations

import argparse
import csv
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..aesthetic import load_head
from ..chart import Chart, Series
from ..extractors import load_extractor
from ..folder_reports import aesthetic_report, frechet_report, vendi_report
from ..picture_folder import picture_files
from .arms import ARMS

NAME = "measures"
_COLUMNS = ("measure", "metric", "arm", "value", "extrapolated", "pictures", "skipped")


@dataclass(frozen=True)
class _Measure:
    """A command on folders of pictures, and which way its number is read."""

    name: str
    reads: str
    report: Callable[[argparse.Namespace], str]


_FRECHET = _Measure("frechet", "smaller is nearer to the real ones", frechet_report)
_VENDI = _Measure("vendi", "larger is more variety", vendi_report)
_AESTHETIC = _Measure("aesthetic", "larger is better liked", aesthetic_report)


def check(arguments: argparse.Namespace) -> None:
    """Raise what `measure` would raise for models and folders, without measuring."""
    if arguments.real is not None:
        picture_files(arguments.real)
    names = [arguments.features]
    if arguments.head is not None:
        load_head(arguments.head)
        names.append(arguments.head_features)
    for name in names:
        # Not on the accelerator, whose memory the server may need.
        load_extractor(name, "cpu", arguments.download)


def measure(arguments: argparse.Namespace) -> str:
    """Measure both arms in the folder `out`, write measures.json, .csv and charts there.

    Returns the table.
    """
    asked = [_FRECHET] if arguments.real is not None else []
    asked += [_VENDI] + ([_AESTHETIC] if arguments.head is not None else [])
    reports = {
        one.name: {arm: json.loads(one.report(_asked(arguments, one, arm))) for arm in ARMS}
        for one in asked
    }
    out: Path = arguments.out
    _write(out / f"{NAME}.json", json.dumps({"test": arguments.test, **reports}, indent=2) + "\n")
    _write_csv(out / f"{NAME}.csv", reports)
    for name, arms in reports.items():
        bars = [Series(arm, [(x, arms[arm]["value"])], "bars", 0.8) for x, arm in enumerate(ARMS)]
        chart = Chart(arms[ARMS[0]]["metric"], "0 plain, 1 expanded", name, bars)
        chart.save(out / f"{NAME}-{name}.png")
    return _table({one.name: one.reads for one in asked}, reports)


def _asked(arguments: argparse.Namespace, one: _Measure, arm: str) -> argparse.Namespace:
    """Return the command line of a measure of one arm."""
    folder = arguments.out / arm
    return argparse.Namespace(
        real=arguments.real,
        drawn=folder,
        folder=folder,
        unit_length=arguments.unit_length,
        head=arguments.head,
        features=arguments.head_features if one is _AESTHETIC else arguments.features,
        download=arguments.download,
        batch=arguments.batch,
        limit=0,
        device=arguments.device,
        cache=arguments.cache or arguments.out / "features",
        strict=arguments.strict,
        csv=None,
        plot=None,
    )


def _side(report: dict[str, Any]) -> dict[str, Any]:
    side: dict[str, Any] = report.get("drawn") or report["pictures"]
    return side


def _write_csv(path: Path, reports: dict[str, dict[str, Any]]) -> None:
    part = path.with_name(path.name + ".part")
    with part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        for name, arms in reports.items():
            for arm, report in arms.items():
                side = _side(report)
                far = report.get("extrapolated")
                ends = ("" if far is None else f"{far:.9g}", side["count"], len(side["skipped"]))
                writer.writerow((name, report["metric"], arm, f"{report['value']:.9g}", *ends))
    os.replace(part, path)


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def _table(reads: dict[str, str], reports: dict[str, dict[str, Any]]) -> str:
    lines: list[tuple[str, ...]] = [("", *ARMS, "")]
    for name, arms in reports.items():
        metric = arms[ARMS[0]]["metric"]
        lines.append((metric, *(f"{arms[arm]['value']:.4g}" for arm in ARMS), reads[name]))
        if all(arms[arm].get("extrapolated") is not None for arm in ARMS):
            far = (f"{arms[arm]['extrapolated']:.4g}" for arm in ARMS)
            lines.append(("  extrapolated", *far, ""))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = ""
    for metric, *values, note in lines:
        cells = [metric.ljust(widths[0])]
        cells += [value.rjust(width) for value, width in zip(values, widths[1:], strict=False)]
        text += "  ".join([*cells, note]).rstrip() + "\n"
    return text
