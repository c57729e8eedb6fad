"""Measure both arms: the reports of frechet, vendi and aesthetic side by side."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..aesthetic import load_head
from ..chart import Chart, Series
from ..extractors import load_extractor
from ..folder_features import Reading
from ..folder_reports import FeatureModel, Report, aesthetic_report, frechet_report, vendi_report
from ..picture_folder import picture_files
from .arms import ARMS

NAME = "measures"
_COLUMNS = ("measure", "metric", "arm", "value", "extrapolated", "pictures", "skipped")
# How to read the number of each measure.
_READS = {
    "frechet": "smaller is nearer to the real ones",
    "vendi": "larger is more variety",
    "aesthetic": "larger is better liked",
}


@dataclass(frozen=True)
class Measures:
    """The measures of a run: Vendi always, Frechet with `real`, aesthetic with `head`.

    `real` is a folder of real pictures, `head` the file of an aesthetic predictor for embeddings of
    `head_model`. With `unit_length`, Frechet scales features to length 1.
    """

    model: FeatureModel
    reading: Reading
    real: Path | None = None
    unit_length: bool = True
    head: Path | None = None
    head_model: FeatureModel | None = None

    def reports(self) -> dict[str, Callable[[Path], Report]]:
        """Return the report of each measure as a function of an arm's folder."""
        reports: dict[str, Callable[[Path], Report]] = {}
        if self.real is not None:
            reports["frechet"] = partial(self._frechet, self.real)
        reports["vendi"] = self._vendi
        if self.head is not None:
            reports["aesthetic"] = partial(self._aesthetic, self.head)
        return reports

    def _frechet(self, real: Path, folder: Path) -> Report:
        return frechet_report(real, folder, self.model, self.reading, unit_length=self.unit_length)

    def _vendi(self, folder: Path) -> Report:
        return vendi_report(folder, self.model, self.reading)

    def _aesthetic(self, head: Path, folder: Path) -> Report:
        return aesthetic_report(folder, head, self.head_model or self.model, self.reading)


def check(measures: Measures) -> None:
    """Raise the errors that `measure` would raise for models and folders, without measuring."""
    if measures.real is not None:
        picture_files(measures.real)
    models = [measures.model]
    if measures.head is not None:
        load_head(measures.head)
        models.append(measures.head_model or measures.model)
    for model in models:
        # On the CPU, because the server may need the memory of the accelerator.
        load_extractor(model.name, "cpu", model.download)


def measure(out: Path, test: str, measures: Measures) -> str:
    """Measure both arms in the folder `out`; write measures.json, measures.csv and charts there.

    Returns the table.
    """
    reports = {
        name: {arm: report(out / arm) for arm in ARMS}
        for name, report in measures.reports().items()
    }
    _write(out / f"{NAME}.json", json.dumps({"test": test, **reports}, indent=2) + "\n")
    _write_csv(out / f"{NAME}.csv", reports)
    for name, arms in reports.items():
        bars = [Series(arm, [(x, arms[arm]["value"])], "bars", 0.8) for x, arm in enumerate(ARMS)]
        chart = Chart(arms[ARMS[0]]["metric"], "0 plain, 1 expanded", name, bars)
        chart.save(out / f"{NAME}-{name}.png")
    return _table(reports)


def _side(report: Report) -> dict[str, Any]:
    side: dict[str, Any] = report.get("drawn") or report["pictures"]
    return side


def _write_csv(path: Path, reports: dict[str, dict[str, Report]]) -> None:
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


def _table(reports: dict[str, dict[str, Report]]) -> str:
    lines: list[tuple[str, ...]] = [("", *ARMS, "")]
    for name, arms in reports.items():
        metric = arms[ARMS[0]]["metric"]
        lines.append((metric, *(f"{arms[arm]['value']:.4g}" for arm in ARMS), _READS[name]))
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
