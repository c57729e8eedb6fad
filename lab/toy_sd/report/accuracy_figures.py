"""The report on toy-sd for people: charts, strips of pictures under each other, Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from tipo_core.evaluate.chart import Chart, Series
from tipo_core.pictures.sampling.labels import Fonts

from .accuracy_summary import BAR, curves

_ZOOM = 2
_LABEL = 150
_FONT = 18
_SHOWN_CFGS = (1.0, 3.0, 5.0, 8.0, 12.0)
_SHOWN_DENOISES = (0.2, 0.4, 0.6, 0.8, 1.0)


def charts(report: dict[str, Any], out: Path) -> None:
    """Draw the curves by CFG, by steps and by denoise into `out`, as PNG."""
    for name, label in (("cfg", "CFG"), ("steps", "steps")):
        series = [
            _line(report[name], name, column, wording)
            for column, wording in (
                ("accuracy", "all"), ("tags", "tags"), ("captions", "captions"),
            )
        ]  # fmt: skip
        Chart(
            f"parts drawn as the prompt says, by {label}",
            label,
            "accuracy, %",
            series,
            (0.0, 100.0),
        ).save(out / f"{name}.png")
    Chart(
        "image to image, by denoise",
        "denoise",
        "%",
        [
            _line(report["denoise"], "denoise", "accuracy", "accuracy to the prompt"),
            _line(report["denoise"], "denoise", "distance", "distance from the start"),
        ],
        (0.0, 100.0),
    ).save(out / "denoise.png")


def _line(points: Sequence[dict[str, Any]], name: str, column: str, label: str) -> Series:
    return Series(
        label, [(p[name], 100 * p[column]) for p in points if p[column] is not None], "curve"
    )


def sheets(strips: Path, out: Path) -> None:
    """Put strips under each other, with what they are in front: some CFGs, some denoises."""
    points = {name: {value: point.name for value, point in some} for name, some in curves().items()}
    by_cfg = [(f"CFG {cfg:g}", points["cfg"][cfg]) for cfg in _SHOWN_CFGS]
    by_denoise = [(f"denoise {part:g}", points["denoise"][part]) for part in _SHOWN_DENOISES]
    sheet([("the drawing", "meant"), *by_cfg], strips, out / "pictures-cfg.png")
    rows = [("the start", "start"), *by_denoise, ("what is asked", "meant")]
    sheet(rows, strips, out / "pictures-denoise.png")


def sheet(rows: Sequence[tuple[str, str]], strips: Path, path: Path) -> None:
    """Write the strips of some names under each other, each with its label, enlarged."""
    pictures = [Image.open(strips / f"{name}.png").convert("RGB") for _, name in rows]
    height = max(picture.height for picture in pictures) * _ZOOM
    width = max(picture.width for picture in pictures) * _ZOOM
    whole = Image.new("RGB", (_LABEL + width, height * len(rows)), "white")
    draw, font = ImageDraw.Draw(whole), Fonts().at(_FONT)
    for number, ((label, _), picture) in enumerate(zip(rows, pictures, strict=True)):
        size = (picture.width * _ZOOM, picture.height * _ZOOM)
        whole.paste(picture.resize(size, Image.Resampling.NEAREST), (_LABEL, number * height))
        draw.text((_LABEL - 10, (number + 0.5) * height), label, "black", font, anchor="rm")
    whole.save(path, optimize=True)


def markdown(report: dict[str, Any]) -> str:
    """Return the report's tables, as they stand in docs/toy-sd.md."""
    main = report["main"]
    error = main["standard_error"]
    lines = [
        f"At CFG {main['settings']['cfg']:g} and {main['settings']['steps']} steps, "
        f"{main['pictures']} pictures: {_percent(main['accuracy'])} (standard error "
        f"{_percent(error)}) of the parts are as the prompt says; tags "
        f"{_percent(main['tags'])}, captions {_percent(main['captions'])}; all parts of a picture "
        f"{_percent(main['all_parts_right'])}; the style {_percent(main['style_right'])}. "
        f"Parts drawn at random would be right in {_percent(main['chance'])}.",
        "",
    ]
    lines += _part_table(report)
    for name, label in (("cfg", "CFG"), ("steps", "steps"), ("clip_skip", "clip skip")):
        lines += _curve_table(report[name], name, label)
    lines += _curve_table(report["denoise"], "denoise", "denoise", distance=True)
    lines += [f"| check (the bar is {_percent(BAR)}) | | figures |", "|---|---|---|"]
    lines += [
        f"| {check['name']} | {'met' if check['met'] else '**not met**'} | {check['figures']} |"
        for check in report["checks"]
    ]
    return "\n".join(lines) + "\n"


def _part_table(report: dict[str, Any]) -> list[str]:
    """Return the accuracy by part, beside how well the reader reads drawings."""
    columns = {"drawn by toy-sd": report["main"]["by_part"]}
    for name, label in (
        ("drawings", "reader, drawings"), ("round_trips", "reader, through the VAE"),
    ):  # fmt: skip
        if name in report.get("reader", {}):
            columns[label] = report["reader"][name]["by_part"]
    lines = [
        "| " + " | ".join(("part", *columns)) + " |",
        "|---" + "|---:" * len(columns) + "|",
    ]
    for part in report["main"]["by_part"]:
        cells = [_percent(column.get(part)) for column in columns.values()]
        lines.append("| " + " | ".join((part.replace("/", ": "), *cells)) + " |")
    return [*lines, ""]


def _curve_table(
    points: Sequence[dict[str, Any]], name: str, label: str, distance: bool = False
) -> list[str]:
    last = "distance" if distance else "standard error"
    column = "distance" if distance else "standard_error"
    lines = [
        f"| {label} | accuracy | tags | captions | {last} |",
        "|---:|---:|---:|---:|---:|",
    ]
    for point in points:
        cells = [_percent(point[key]) for key in ("accuracy", "tags", "captions", column)]
        lines.append(f"| {point[name]:g} | {' | '.join(cells)} |")
    return [*lines, ""]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"
