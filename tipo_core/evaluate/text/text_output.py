"""Output of the text measures: a Markdown table, JSON, a CSV file with the faults of answers."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

from .answers import answers_json
from .measure_rows import MeasureRow, TextMeasures, row_json
from .text_faults import FAULTS


def markdown_table(measures: TextMeasures) -> str:
    """Return the rows as a Markdown table, then the tags that were added to the most kinds."""
    lines = ["| measure | value | 95 % interval | requests |", "|---|---|---|---|"]
    for row in measures.rows:
        value, low, high = _shown(row)
        lines.append(f"| {row.name} | {value} | {low} to {high} | {row.estimate.count} |")
    spread = ", ".join(f"{tag} ({kinds})" for tag, kinds, _ in measures.widespread)
    return "\n".join(lines) + f"\n\nTags added to the most kinds of requests: {spread}.\n"


def _shown(row: MeasureRow) -> tuple[str, str, str]:
    estimate = row.estimate
    values = (estimate.value, estimate.low, estimate.high)
    if row.is_share:
        value, low, high = (f"{100 * one:.0f}" for one in values)
        return f"{value} %", low, high
    value, low, high = (f"{one:.1f}" if abs(one) >= 10 else f"{one:.3f}" for one in values)
    return value, low, high


def measures_json(measures: TextMeasures, recipe: dict[str, Any]) -> str:
    """Return the rows, the faults and the answers as JSON; `recipe` says how they were made."""
    report = {
        "recipe": recipe,
        "rows": [row_json(row) for row in measures.rows],
        "widespread": [
            {"tag": tag, "kinds": kinds, "requests": requests}
            for tag, kinds, requests in measures.widespread
        ],
        "answers": answers_json(measures.answers),
        "faults": list(measures.faults),
    }
    return json.dumps(report, ensure_ascii=False, indent=2) + "\n"


def write_faults(path: Path, measures: TextMeasures) -> None:
    """Write a CSV file with one row per answer: its texts, and the pieces of each fault.

    A fault that cannot occur in an answer is "-".
    """
    part = _part_of(path)
    try:
        _write_rows(part, measures)
        os.replace(part, path)
    except OSError as error:
        raise _csv_error(path, error) from error
    finally:
        part.unlink(missing_ok=True)


def check_csv(path: Path, source: Path) -> None:
    """Raise ValueError if a file cannot be written at `path`, or if it is the input `source`."""
    if path.is_dir():
        raise ValueError(
            f"--csv '{path}' is a folder: give a file, such as '{path / 'faults.csv'}'"
        )
    if not path.parent.is_dir():
        raise ValueError(f"--csv '{path}': there is no folder '{path.parent}': create it first")
    if path.exists() and source.exists() and path.samefile(source):
        raise ValueError(f"--csv '{path}' is the input: give another file")
    part = _part_of(path)
    try:
        part.open("w").close()
        if path.exists():
            path.open("a").close()
    except OSError as error:
        raise _csv_error(path, error) from error
    finally:
        part.unlink(missing_ok=True)


def _part_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _csv_error(path: Path, error: OSError) -> ValueError:
    reason = error.strerror or str(error)
    return ValueError(f"--csv '{path}' cannot be written ({reason}): choose another file or disk")


def _write_rows(part: Path, measures: TextMeasures) -> None:
    with part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["kind", "request", "seed", "added tags", "added caption", *FAULTS])
        for answer, found in zip(measures.answers, measures.faults, strict=True):
            request = answer.request
            writer.writerow(
                [
                    *(request.kind, request.text, answer.seed),
                    *(", ".join(answer.added_tags), answer.added_caption),
                    *("; ".join(found[key]) if key in found else "-" for key in FAULTS),
                ]
            )
