"""Charts, sheets of pictures and Markdown tables of toy-sd's accuracy report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from tipo_core.pictures.sampling.labels import Fonts

from .accuracy_summary import BAR, curves

_INCHES = (8.0, 5.0)
# Blue, orange and green that colour-blind readers can distinguish.
_COLOURS = ("#1f77b4", "#ff7f0e", "#117733")
_ZOOM = 2  # screen pixels per pixel of a picture
# Width of the column of labels, and size of their font, in pixels.
_LABEL = 150
_FONT = 18
_SHOWN_CFGS = (1.0, 3.0, 5.0, 8.0, 12.0)
_SHOWN_DENOISES = (0.2, 0.4, 0.6, 0.8, 1.0)


def charts(report: dict[str, Any], out: Path) -> None:
    """Draw the curves by CFG, by steps and by denoise into `out`, as PNG."""
    for name, label in (("cfg", "CFG"), ("steps", "steps")):
        columns = {"accuracy": "all", "tags": "tags", "captions": "captions"}
        title = f"parts drawn as the prompt says, by {label}"
        _chart(report[name], name, columns, (title, label, "accuracy, %"), out / f"{name}.png")
    columns = {"accuracy": "accuracy to the prompt", "distance": "distance from the start"}
    texts = ("image to image, by denoise", "denoise", "%")
    _chart(report["denoise"], "denoise", columns, texts, out / "denoise.png")


def _chart(
    points: Sequence[dict[str, Any]],
    name: str,
    columns: dict[str, str],
    texts: tuple[str, str, str],
    path: Path,
) -> None:
    """Draw columns (shares) of points over their setting `name`; texts: title and axis labels."""
    # Figure without pyplot: no state outside this function, no window.
    figure = Figure(figsize=_INCHES, layout="constrained")
    axes = figure.add_subplot(title=texts[0], xlabel=texts[1], ylabel=texts[2], ylim=(-4, 104))
    for (column, label), colour in zip(columns.items(), _COLOURS, strict=False):
        known = [point for point in points if point[column] is not None]
        xs, ys = [one[name] for one in known], [100 * one[column] for one in known]
        axes.plot(xs, ys, marker="o", markersize=4, color=colour, label=label)
    axes.grid(color="#e0e0e0")
    axes.legend()
    figure.savefig(path, dpi=120)


def sheets(strips: Path, out: Path) -> None:
    """Write two sheets of labelled strips, one over CFG and one over denoise."""
    points = {name: {value: point.name for value, point in some} for name, some in curves().items()}
    by_cfg = [(f"CFG {cfg:g}", points["cfg"][cfg]) for cfg in _SHOWN_CFGS]
    by_denoise = [(f"denoise {part:g}", points["denoise"][part]) for part in _SHOWN_DENOISES]
    sheet([("the drawing", "meant"), *by_cfg], strips, out / "pictures-cfg.png")
    rows = [("the start", "start"), *by_denoise, ("the prompt's drawing", "meant")]
    sheet(rows, strips, out / "pictures-denoise.png")


def sheet(rows: Sequence[tuple[str, str]], strips: Path, path: Path) -> None:
    """Write strips, given as (label, name), one below the other, enlarged."""
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
    """Return the report's tables as docs/toy-sd.md has them."""
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
    """Return the accuracy by part, with the reader's own accuracy on drawings."""
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
